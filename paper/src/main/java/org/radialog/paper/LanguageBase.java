package org.radialog.paper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraConfig;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;

/**
 * The base language model of a training: a GGUF file, or a model folder that contains only a
 * language model, as written by {@code radialog import}.
 *
 * @param checkpoint the open weights file
 * @param folder folder that {@code files} are relative to
 * @param files files that belong to the resulting model, weights first
 * @param license SPDX expression
 * @param name of the model
 */
record LanguageBase(
    Checkpoint checkpoint,
    LlamaWeights weights,
    TextTokenizer tokenizer,
    Path folder,
    List<String> files,
    Optional<ModelConfig.Language> language,
    String license,
    String name)
    implements AutoCloseable {

  /**
   * Opens the base model.
   *
   * @throws RadialogException if the path is neither of these, is damaged, or is a folder of a
   *     model that already has an adapter
   */
  static LanguageBase open(Path path) {
    return Files.isDirectory(path) ? ofFolder(path) : ofGguf(path);
  }

  private static LanguageBase ofGguf(Path file) {
    Checkpoint gguf = Checkpoint.open(file);
    try {
      Object license = gguf.metadata().getOrDefault("general.license", "LicenseRef-unknown");
      return new LanguageBase(
          gguf,
          LlamaWeights.of(gguf),
          TextTokenizer.of(gguf),
          file.resolveSibling(""),
          List.of(String.valueOf(file.getFileName())),
          Optional.empty(),
          Printable.of(license),
          String.valueOf(file.getFileName()).replaceFirst("\\.gguf$", ""));
    } catch (RuntimeException | Error e) {
      gguf.close();
      throw e;
    }
  }

  private static LanguageBase ofFolder(Path folder) {
    ModelConfig config = ModelFolder.open(folder).config();
    ModelConfig.Language language = config.language();
    if (language.adapter().isPresent()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s: the model %s already has an adapter: expected a language model without one"
              .formatted(Printable.escaped(folder.toString()), config.id()));
    }
    List<String> files = new ArrayList<>(List.of(language.weights()));
    language
        .tokenizer()
        .ifPresent(tokenizer ->
            config.files().stream()
                .map(ModelConfig.FileEntry::path)
                .filter(file -> file.startsWith(tokenizer + "/"))
                .forEach(files::add));
    Checkpoint weights = Checkpoint.open(folder.resolve(language.weights()));
    try {
      return new LanguageBase(
          weights,
          language
              .network()
              .map(network -> LlamaWeights.of(network, weights))
              .orElseGet(() -> LlamaWeights.of(weights)),
          language
              .tokenizer()
              .map(tokenizer -> TextTokenizer.open(folder.resolve(tokenizer)))
              .orElseGet(() -> TextTokenizer.of(weights)),
          folder,
          files,
          Optional.of(language),
          config.license(),
          config.id());
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /** The weights file. */
  Path file() {
    return folder.resolve(files.getFirst());
  }

  /** The section of {@code config.json} for this model with an adapter. */
  ModelConfig.Language with(LoraConfig adapter, String prompt) {
    return new ModelConfig.Language(
        files.getFirst(),
        language.flatMap(ModelConfig.Language::network),
        language.flatMap(ModelConfig.Language::tokenizer),
        language.flatMap(ModelConfig.Language::precision),
        Optional.of(adapter),
        prompt,
        List.of());
  }

  @Override
  public void close() {
    tokenizer.close();
    checkpoint.close();
  }
}
