package org.radialog.published;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptFormats;
import org.radialog.imaging.Preprocessing;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LoraConfig;
import org.radialog.language.Precision;
import org.radialog.vision.Alignment;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.VisionEncoder;

/**
 * {@code config.json} of a model folder: which networks, which files, and what the model was never
 * taught. Field names in the file are those below in snake case; every field is mandatory, {@code
 * null} stands for an empty {@code Optional}.
 *
 * @param format layout of this file, {@value #FORMAT}; {@link ModelFolder} reads lower ones too
 * @param readBy the first version of RaDialog that reads this format, for the message of an older
 *     one
 * @param id name of the model, for example {@code radialog-mini}
 * @param version version of the model
 * @param license SPDX expression
 * @param limits what the model cannot do and a reader of its texts could take for said: whole
 *     sentences, which stand on pages and before conversations. Empty where nothing is known
 * @param sections of a report that it was trained to write; it is asked for no other
 * @param preprocessing with the next three empty where the folder holds a language model alone
 * @param vision the image encoder
 * @param alignment from image features to image tokens
 * @param classifier the findings classifier
 * @param language the language model
 * @param selfTest expected outputs for a fixed film
 * @param files every other file of the folder that the model needs; {@link ModelFolder#open} checks
 *     sizes, {@link ModelFolder#damaged} digests
 * @param sources the files that an import was made from, by their place there; empty where the
 *     model was trained here
 */
@JsonPropertyOrder({
  "format",
  "read_by",
  "id",
  "version",
  "license",
  "limits",
  "sections",
  "preprocessing",
  "vision",
  "alignment",
  "classifier",
  "language",
  "self_test",
  "files",
  "sources"
})
public record ModelConfig(
    int format,
    String readBy,
    String id,
    String version,
    String license,
    List<String> limits,
    List<Section> sections,
    Optional<Preprocessing.Branches> preprocessing,
    Optional<VisionEncoder.Config> vision,
    Optional<Alignment.Config> alignment,
    Optional<Classifier> classifier,
    Language language,
    SelfTest selfTest,
    List<FileEntry> files,
    List<FileEntry> sources) {

  /** The layout that this version reads and writes. */
  public static final int FORMAT = 2;

  /** The version that began to read {@link #FORMAT}. */
  public static final String FORMAT_READ_BY = "0.1.0";

  /** Name of the file in a model folder. */
  public static final String FILE = "config.json";

  /** Name of the file with everything that was trained for the model. */
  public static final String TRAINED = "radialog.safetensors";

  /** What a model that learns on the reports of our grammar cannot do: they state none of these. */
  public static final String LIMITS_OF_GRAMMAR =
      "The embedded model says nothing about side, size, devices, fractures or change since an"
          + " earlier film.";

  public ModelConfig {
    need(format == FORMAT, "format is " + format + ", this version writes " + FORMAT);
    need(!id.isBlank(), "id is empty");
    need(!version.isBlank(), "version is empty");
    limits = List.copyOf(limits);
    for (String limit : limits) {
      need(
          !limit.isBlank() && limit.length() <= 1000,
          "limits has a text of " + limit.length() + " characters, expected 1 to 1000");
    }
    sections = List.copyOf(sections);
    need(Set.copyOf(sections).size() == sections.size(), "sections names one twice: " + sections);
    files = List.copyOf(files);
    var seen = new HashSet<String>();
    for (FileEntry file : files) {
      need(seen.add(file.path()), "files names " + file.path() + " twice");
    }
    need(
        seen.contains(language.weights()),
        "language.weights is " + language.weights() + ", which files does not list");
    sources = List.copyOf(sources);
    boolean sees = preprocessing.isPresent();
    need(
        vision.isPresent() == sees
            && alignment.isPresent() == sees
            && classifier.isPresent() == sees,
        "preprocessing, vision, alignment and classifier are expected all together, or all null");
    need(!sees || seen.contains(TRAINED), "files does not list " + TRAINED);
    if (alignment.isPresent()
        && alignment.get().input() instanceof Alignment.Input.Rows(String file, _, _)) {
      need(seen.contains(file), "files does not list " + file);
    }
    language
        .tokenizer()
        .ifPresent(tokenizer ->
            need(
                seen.stream().anyMatch(file -> file.startsWith(tokenizer + "/")),
                "files lists none in the folder " + tokenizer));
  }

  /** A section of a report. */
  public enum Section {
    /** What is seen. */
    FINDINGS,
    /** What it means. */
    IMPRESSION
  }

  /**
   * The parts that look at films.
   *
   * @param preprocessing from the film to the input of the encoder
   * @param vision the image encoder
   * @param alignment from image features to image tokens
   * @param classifier the findings classifier
   */
  public record Film(
      Preprocessing.Branches preprocessing,
      VisionEncoder.Config vision,
      Alignment.Config alignment,
      Classifier classifier) {}

  /**
   * The parts that look at films.
   *
   * @throws RadialogException if there are none: the folder holds a language model alone
   */
  public Film film() {
    if (preprocessing.isEmpty()
        || vision.isEmpty()
        || alignment.isEmpty()
        || classifier.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "the model "
              + id
              + " is a language model alone and reads no films; take a RaDialog model, or import"
              + " this one together with an image encoder and its alignment");
    }
    return new Film(preprocessing.get(), vision.get(), alignment.get(), classifier.get());
  }

  /**
   * The findings classifier (keys under {@code classifier.}).
   *
   * @param encoder which encoder it reads
   * @param pooling how the projected patch features become one vector
   * @param hidden width between its two linear layers
   * @param labels CheXpert names in the order of the logits
   * @param thresholds a finding is present above this probability; one per label
   * @param possible a finding is uncertain above this probability and up to its threshold; one per
   *     label. Empty where the model has one operating point: nothing is uncertain
   * @param evidence whether training ever saw the label, one a label
   */
  public record Classifier(
      Encoder encoder,
      FindingsClassifier.Pooling pooling,
      int hidden,
      List<String> labels,
      List<Double> thresholds,
      Optional<List<Double>> possible,
      List<Evidence> evidence) {
    public Classifier {
      need(hidden >= 1 && hidden <= 65536, "classifier.hidden is " + hidden + ", 1 to 65536");
      labels = List.copyOf(labels);
      thresholds = List.copyOf(thresholds);
      evidence = List.copyOf(evidence);
      need(
          labels.size() == thresholds.size() && labels.size() == evidence.size(),
          "classifier has "
              + labels.size()
              + " labels, "
              + thresholds.size()
              + " thresholds and "
              + evidence.size()
              + " evidence, expected one each a label");
      for (double threshold : thresholds) {
        need(
            threshold >= 0 && threshold <= 1,
            "classifier.thresholds has " + threshold + ", expected 0 to 1");
      }
      possible = possible.map(List::copyOf);
      if (possible.isPresent()) {
        requireBelow(possible.get(), thresholds);
      }
    }

    private static void requireBelow(List<Double> possible, List<Double> thresholds) {
      need(
          possible.size() == thresholds.size(),
          "classifier.possible has "
              + possible.size()
              + " values, expected one per label, "
              + thresholds.size());
      for (int i = 0; i < possible.size(); i++) {
        need(
            possible.get(i) >= 0 && possible.get(i) <= thresholds.get(i),
            "classifier.possible has %s at %d, expected 0 to its threshold, %s"
                .formatted(possible.get(i), i, thresholds.get(i)));
      }
    }

    /** The network's sizes, its inputs being the encoder's {@code jointDim} channels. */
    public FindingsClassifier.Config network(int jointDim) {
      return new FindingsClassifier.Config(jointDim, pooling, hidden, labels.size());
    }
  }

  /** Whose features the classifier reads. */
  public enum Encoder {
    /** Those of the encoder that feeds the language model. */
    SHARED,
    /**
     * Those of an encoder of its own, always with running statistics ({@code classifier.vision.}).
     */
    OWN
  }

  /** Whether a label was ever taught; an untrained one is reported as not assessed. */
  public enum Evidence {
    TRAINED,
    UNTRAINED
  }

  /**
   * The language model.
   *
   * @param weights path of its base weights in the folder
   * @param network its shape; empty where the weights are GGUF, which states it
   * @param tokenizer folder of its {@code tokenizer.json} or {@code tokenizer.model} with their
   *     configuration; empty where the weights are GGUF, which holds it
   * @param precision of the decode step unless another is asked for; empty chooses the fastest
   * @param adapter LoRA beside it (keys under {@code language.}), if any
   * @param prompt name of its prompt format ({@link PromptFormats})
   * @param compat oddities of the original that are kept
   */
  public record Language(
      String weights,
      Optional<LlamaConfig> network,
      Optional<String> tokenizer,
      Optional<Precision> precision,
      Optional<LoraConfig> adapter,
      String prompt,
      List<PromptFormat.Compat> compat) {
    public Language {
      compat = List.copyOf(compat);
      format(prompt, compat);
      need(
          adapter.stream().allMatch(a -> a.scale() > 0 && a.alpha() <= 1e6),
          "language.adapter.alpha is "
              + adapter.map(LoraConfig::alpha).orElse(0.0)
              + ", expected above 0, at most 1e6");
      need(
          network.isPresent() == tokenizer.isPresent(),
          "language.network and language.tokenizer are expected together, or both null");
    }

    /** A GGUF file with an adapter beside it, in the fastest precision. */
    public static Language gguf(String weights, LoraConfig adapter, PromptFormat prompt) {
      return new Language(
          weights,
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.of(adapter),
          prompt.id(),
          List.of());
    }

    /** The words of its conversations. */
    public PromptFormat wording() {
      return format(prompt, compat);
    }

    private static PromptFormat format(String prompt, List<PromptFormat.Compat> compat) {
      EnumSet<PromptFormat.Compat> kept = EnumSet.noneOf(PromptFormat.Compat.class);
      kept.addAll(compat);
      return PromptFormats.of(prompt).with(kept);
    }
  }

  /**
   * What the fp32 path answers to the fixed film of the self test, within 1e-4.
   *
   * @param probabilities of the classifier, one a label; empty where the model was not yet run
   * @param logits the largest logits of the first token of the report, in the order of {@code
   *     tokens}
   * @param tokens the ids that they belong to, best first
   */
  public record SelfTest(List<Double> probabilities, List<Double> logits, List<Integer> tokens) {
    /** Nothing to compare with. */
    public static final SelfTest NONE = new SelfTest(List.of(), List.of(), List.of());

    public SelfTest {
      probabilities = List.copyOf(probabilities);
      logits = List.copyOf(logits);
      tokens = List.copyOf(tokens);
      need(
          logits.size() == tokens.size(),
          "self_test has " + logits.size() + " logits for " + tokens.size() + " tokens");
    }
  }

  /**
   * A file of the folder.
   *
   * @param path relative, with {@code /}
   * @param bytes size of the file
   * @param sha256 64 hexadecimal digits, lower case
   */
  public record FileEntry(String path, long bytes, String sha256) {
    public FileEntry {
      Path p = Path.of(path);
      need(
          !path.isEmpty()
              && !p.isAbsolute()
              && p.equals(p.normalize())
              && !p.startsWith("..")
              && path.indexOf('\\') < 0,
          "files has the path '" + path + "', expected one inside the folder");
      need(bytes >= 0, "files gives " + path + " " + bytes + " bytes");
      need(
          sha256.matches("[0-9a-f]{64}"),
          "files gives " + path + " the sha256 '" + sha256 + "', expected 64 hexadecimal digits");
    }

    /** The entry of {@code folder/path} as it stands. */
    public static FileEntry of(Path folder, String path) {
      Path file = folder.resolve(path);
      try {
        return new FileEntry(path, Files.size(file), Sha256.of(file));
      } catch (IOException e) {
        throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
      }
    }
  }

  /** {@link #limits} as one line; empty where there are none. */
  public String limitsLine() {
    return String.join(" ", limits);
  }

  /**
   * Nothing, where the model writes a section.
   *
   * @throws RadialogException if it does not
   */
  public void requireSection(Section section) {
    if (!sections.contains(section)) {
      throw new RadialogException(
          Kind.UNSUPPORTED,
          "the model %s writes no %s: it was trained for %s; take another model, or ask without it"
              .formatted(
                  Printable.of(id),
                  section.name().toLowerCase(Locale.ROOT),
                  sections.isEmpty()
                      ? "no section of a report"
                      : sections.toString().toLowerCase(Locale.ROOT)));
    }
  }

  /** This with another self test. */
  public ModelConfig with(SelfTest test) {
    return new ModelConfig(
        format,
        readBy,
        id,
        version,
        license,
        limits,
        sections,
        preprocessing,
        vision,
        alignment,
        classifier,
        language,
        test,
        files,
        sources);
  }

  private static void need(boolean holds, String otherwise) {
    if (!holds) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, otherwise);
    }
  }
}
