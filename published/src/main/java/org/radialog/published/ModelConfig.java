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
 * {@code config.json} of a model folder: the networks, the files, and the limits of the model.
 * Field names in the file are those below in snake case. Every field is mandatory; an empty {@code
 * Optional} is {@code null}.
 *
 * @param format layout of this file, {@value #FORMAT}; {@link ModelFolder} also reads lower ones
 * @param readBy first version of RaDialog that reads this format, for the message of an older
 *     version
 * @param id name of the model, for example {@code radialog-mini}
 * @param version version of the model
 * @param license SPDX expression
 * @param limits limitations of the model that its texts do not reveal, as full sentences, which are
 *     shown on pages and before conversations. Empty if none are known
 * @param sections report sections that it was trained to write; other sections are never requested
 * @param preprocessing preprocessing of films. This and the next three components are empty if the
 *     folder contains only a language model
 * @param vision the image encoder
 * @param alignment maps image features to image tokens
 * @param classifier the findings classifier
 * @param language the language model
 * @param selfTest expected outputs for a fixed film
 * @param files all other files of the folder that the model needs; {@link ModelFolder#open} checks
 *     their sizes, {@link ModelFolder#damaged} their digests
 * @param sources files from which the model was imported, with their paths in the source; empty if
 *     the model was trained with this library
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

  /** Name of the file with all trained weights of the model. */
  public static final String TRAINED = "radialog.safetensors";

  /**
   * The limitations of a model that is trained on generated reports, which contain none of these
   * statements.
   */
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
    /** The observations. */
    FINDINGS,
    /** Their interpretation. */
    IMPRESSION
  }

  /**
   * The image networks.
   *
   * @param preprocessing converts the film to the input of the encoder
   * @param vision the image encoder
   * @param alignment maps image features to image tokens
   * @param classifier the findings classifier
   */
  public record Film(
      Preprocessing.Branches preprocessing,
      VisionEncoder.Config vision,
      Alignment.Config alignment,
      Classifier classifier) {}

  /**
   * The image networks.
   *
   * @throws RadialogException if there are none, because the folder contains only a language model
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
   * @param encoder the encoder whose features are the input
   * @param pooling how the projected patch features are reduced to a vector
   * @param hidden width between the two linear layers
   * @param labels CheXpert names in the order of the logits
   * @param thresholds one probability per label, above which the finding is present
   * @param possible one probability per label, above which the finding is uncertain if it does not
   *     exceed its threshold. Empty if the model has a single operating point and no finding is
   *     uncertain
   * @param evidence whether the label is assessed, and if not, why, one entry per label
   * @param performance how often the classifier was right, at most one entry per assessed label.
   *     Empty if this is not known
   * @param denied the assessed labels that texts may deny, because the classifier finds enough of
   *     them; the language model has learned to leave the others open. Empty if these are all
   */
  public record Classifier(
      Encoder encoder,
      FindingsClassifier.Pooling pooling,
      int hidden,
      List<String> labels,
      List<Double> thresholds,
      Optional<List<Double>> possible,
      List<Evidence> evidence,
      Optional<List<Performance>> performance,
      Optional<List<String>> denied) {
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
              + " evidence, expected one of each per label");
      for (double threshold : thresholds) {
        need(
            threshold >= 0 && threshold <= 1,
            "classifier.thresholds has " + threshold + ", expected 0 to 1");
      }
      possible = possible.map(List::copyOf);
      if (possible.isPresent()) {
        requireBelow(possible.get(), thresholds);
      }
      performance = performance.map(List::copyOf);
      var told = new HashSet<String>();
      for (Performance one : performance.orElse(List.of())) {
        need(
            labels.contains(one.label())
                && evidence.get(labels.indexOf(one.label())) == Evidence.TRAINED,
            "classifier.performance has %s, which is no label with the evidence trained"
                .formatted(Printable.of(one.label())));
        need(
            told.add(one.label()),
            "classifier.performance has %s twice".formatted(Printable.of(one.label())));
      }
      denied = denied.map(List::copyOf);
      for (String one : denied.orElse(List.of())) {
        need(
            labels.contains(one) && evidence.get(labels.indexOf(one)) == Evidence.TRAINED,
            "classifier.denied has %s, which is no label with the evidence trained"
                .formatted(Printable.of(one)));
      }
    }

    /** Whether texts may deny a label: it is assessed, and enough of it is found. */
    public boolean denies(String label) {
      return evidence(label) == Evidence.TRAINED
          && denied.map(labels -> labels.contains(label)).orElse(true);
    }

    /** Whether a label is assessed, and if not, why; a name that is no label is untrained. */
    public Evidence evidence(String label) {
      int at = labels.indexOf(label);
      return at < 0 ? Evidence.UNTRAINED : evidence.get(at);
    }

    /** How often the classifier was right about a label, if this is known. */
    public Optional<Performance> performance(String label) {
      return performance.orElse(List.of()).stream()
          .filter(one -> one.label().equals(label))
          .findFirst();
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

    /** The sizes of the network, whose input has {@code jointDim} channels. */
    public FindingsClassifier.Config network(int jointDim) {
      return new FindingsClassifier.Config(jointDim, pooling, hidden, labels.size());
    }
  }

  /** The encoder whose features the classifier uses. */
  public enum Encoder {
    /** The encoder of the language model. */
    SHARED,
    /** A separate encoder, which always uses running statistics ({@code classifier.vision.}). */
    OWN
  }

  /** What an assessment of a label rests on; only a trained label is assessed. */
  public enum Evidence {
    /** The label occurred in training. */
    TRAINED,
    /** It occurred, but the classifier tells too little about it on films that it never saw. */
    WEAK,
    /** It did not occur. */
    UNTRAINED
  }

  /**
   * The language model.
   *
   * @param weights path of the base weights in the folder
   * @param network sizes of the network; empty for GGUF weights, which contain them
   * @param tokenizer folder with {@code tokenizer.json} or {@code tokenizer.model} and the
   *     tokeniser configuration; empty for GGUF weights, which contain the tokeniser
   * @param precision default precision of decode steps; empty chooses the fastest
   * @param adapter LoRA adapter (keys under {@code language.}), if any
   * @param prompt name of the prompt format ({@link PromptFormats})
   * @param compat peculiarities of the original that are reproduced
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

    /** A GGUF file with an adapter, in the fastest precision. */
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

    /** The prompt format of its conversations. */
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
   * The expected outputs of the self-test for a fixed film, computed in fp32, with a tolerance of
   * 1e-4.
   *
   * @param probabilities probabilities of the classifier, one per label; empty if the model has not
   *     been run yet
   * @param logits largest logits of the first token of the report, in the order of {@code tokens}
   * @param tokens ids of the tokens with these logits, largest logit first
   */
  public record SelfTest(List<Double> probabilities, List<Double> logits, List<Integer> tokens) {
    /** A self-test without expected outputs. */
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
   * @param path path relative to the folder, with {@code /} as separator
   * @param bytes size of the file
   * @param sha256 64 lower-case hexadecimal digits
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

    /** The entry for the current content of {@code folder/path}. */
    public static FileEntry of(Path folder, String path) {
      Path file = folder.resolve(path);
      try {
        return new FileEntry(path, Files.size(file), Sha256.of(file));
      } catch (IOException e) {
        throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
      }
    }
  }

  /** The {@link #limits} on one line; empty if there are none. */
  public String limitsLine() {
    return String.join(" ", limits);
  }

  /**
   * Checks that the model writes a section.
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

  /** This with another self-test. */
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
