package org.radialog.instruct;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.PublishedPrompts;
import org.radialog.clinical.PublishedPrompts.FindingsStyle;
import org.radialog.clinical.PublishedPrompts.Version;
import org.radialog.clinical.SmolLm2Format;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.EnumNamingStrategies;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.EnumNaming;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The shares, data sets and wordings of the tasks: a JSON file with these fields in snake case, all
 * mandatory.
 *
 * @param name for the file of dialogs
 * @param layout of the first turn
 * @param prompts the wordings: {@code published}, those of the published data set word for word, or
 *     {@code own}
 * @param findings what the prompts say of the findings
 * @param onePerStudy a study's best view alone; otherwise every image, with the same text
 * @param stratifiedEpochs how often the report of an image with a finding comes, beside as many of
 *     images without as make a fourteenth of all reports; 0 for the share alone
 * @param tasks in the order in which a case's dialogs are written
 */
public record DialogMix(
    String name,
    Layout layout,
    String prompts,
    FindingsInPrompt findings,
    boolean onePerStudy,
    int stratifiedEpochs,
    DialogTask.Switches switches,
    List<Share> tasks) {

  /** The mixes that come with the program, by their names; each is a resource. */
  public static final List<String> NAMES = List.of("own", "published");

  /** All tasks: the one place where a task is registered. */
  static final List<DialogTask> TASKS =
      List.of(
          new ReportGeneration(),
          new EasyLanguage(),
          new ShortSummary(),
          new RegionQuestion(),
          new FindingQuestion(),
          new FindingEnumeration(),
          new Reasoning(),
          new ReportCorrection(),
          new ImpressionWriting(),
          new ViewQuestion(),
          new DetailQuestion());

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final int LARGEST = 1 << 20; // bytes

  /** How the image and the findings stand in the first turn. */
  @EnumNaming(EnumNamingStrategies.SnakeCaseStrategy.class)
  public enum Layout {
    /** 32 {@code <IMG>}, in the published words. */
    V1,
    /** {@code <image>}, in the published words. */
    V2,
    /** {@code <image>}, then a line of findings where the prompt names them, then the request. */
    OWN
  }

  /**
   * Shares of what the prompts say of the findings; together 1.
   *
   * @param truth the case's labels, as the original trains
   * @param perturbed one or two of them left out or added
   * @param predicted by a classifier that did not learn from the film
   * @param none nothing; only in our own layout
   */
  public record FindingsInPrompt(
      @JsonProperty("true") double truth, double perturbed, double predicted, double none) {
    public FindingsInPrompt {
      double sum = truth + perturbed + predicted + none;
      if (!(truth >= 0 && perturbed >= 0 && predicted >= 0 && none >= 0)
          || !(Math.abs(sum - 1) < 1e-9)) {
        throw refused(
            "findings has the shares %s, %s, %s and %s: expected none below 0 and 1 together"
                .formatted(truth, perturbed, predicted, none));
      }
    }
  }

  /**
   * How often a task is asked.
   *
   * <p>A case stands somewhere between 0 and 1, and a task takes the cases in a stretch of the
   * length of its share; the stretches lie end to end and begin anew at 1. So tasks whose shares
   * are 1 together share the cases among them, as in the original, and none takes a case twice.
   *
   * @param share of the cases, from 0 to 1
   * @param afterReport how many of the dialogs begin with the report; those of a task that speaks
   *     of the report all do
   * @param sources names of the data sets that it is asked of; empty for all
   */
  public record Share(String task, double share, double afterReport, List<String> sources) {
    public Share {
      sources = List.copyOf(sources);
      if (!(share >= 0 && share <= 1 && afterReport >= 0 && afterReport <= 1)) {
        throw refused(
            "task %s has the shares %s and %s: expected from 0 to 1"
                .formatted(Printable.of(task), share, afterReport));
      }
      String wanted = task;
      if (TASKS.stream().noneMatch(known -> known.name().equals(wanted))) {
        throw refused(
            "there is no task %s: expected one of %s"
                .formatted(Printable.of(task), TASKS.stream().map(DialogTask::name).toList()));
      }
    }

    DialogTask of() {
      return TASKS.stream().filter(known -> known.name().equals(task)).findFirst().orElseThrow();
    }
  }

  public DialogMix {
    tasks = List.copyOf(tasks);
    var seen = new HashSet<String>();
    for (Share share : tasks) {
      if (!seen.add(share.task())) {
        throw refused("task %s stands there twice: expected it once".formatted(share.task()));
      }
    }
    if (tasks.isEmpty()) {
      throw refused("tasks is empty: expected at least one");
    }
    if (!NAMES.contains(prompts)) {
      throw refused(
          "there are no prompts %s: expected one of %s".formatted(Printable.of(prompts), NAMES));
    }
    if (findings.none() > 0 && layout != Layout.OWN) {
      throw refused(
          "findings.none is %s: expected 0, since the published layouts always name them"
              .formatted(findings.none()));
    }
    if (stratifiedEpochs < 0 || stratifiedEpochs > 100) {
      throw refused("stratified_epochs is %d: expected from 0 to 100".formatted(stratifiedEpochs));
    }
  }

  private static RadialogException refused(String message) {
    return new RadialogException(Kind.BAD_INPUT, message);
  }

  /** A mix by its name, one of {@link #NAMES}, or by its file. */
  public static DialogMix of(String nameOrFile) {
    return NAMES.contains(nameOrFile) ? named(nameOrFile) : read(Path.of(nameOrFile));
  }

  /** A mix that comes with the program, one of {@link #NAMES}. */
  public static DialogMix named(String name) {
    if (!NAMES.contains(name)) {
      throw refused(
          "there is no mix %s: expected one of %s or a file".formatted(Printable.of(name), NAMES));
    }
    return parsed("mix " + name, resource("mixes/" + name + ".json"));
  }

  /**
   * Reads a mix.
   *
   * @throws RadialogException if the file cannot be read, or a field is unknown, missing, of
   *     another type or out of its range
   */
  public static DialogMix read(Path file) {
    String name = Printable.escaped(file.toString());
    try {
      if (Files.size(file) > LARGEST) {
        throw refused(
            "%s: %d bytes, expected at most %d; no mix".formatted(name, Files.size(file), LARGEST));
      }
      return parsed(name, Files.readAllBytes(file));
    } catch (IOException e) {
      throw new RadialogException("cannot read the mix " + name + ": " + e, e);
    }
  }

  private static DialogMix parsed(String where, byte[] content) {
    try {
      return MAPPER.readValue(content, DialogMix.class);
    } catch (UnrecognizedPropertyException e) {
      throw refused(
          "%s: unknown field %s, expected %s"
              .formatted(where, Printable.of(e.getPropertyName()), e.getKnownPropertyIds()));
    } catch (JacksonException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof RadialogException refused) {
          throw refused(where + ": " + refused.getMessage());
        }
      }
      // Jackson's own sentence, without the name of its setting behind it.
      String said = e.getOriginalMessage().replaceFirst("; `.*", "");
      throw new RadialogException(Kind.BAD_INPUT, where + ": no mix: " + Printable.of(said), e);
    }
  }

  private static byte[] resource(String name) {
    try (InputStream in = DialogMix.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the class path");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new RadialogException("cannot read " + name + ": " + e, e);
    }
  }

  /** The wordings by their keys. */
  Map<String, List<String>> wordings() {
    var wordings = new HashMap<>(published(prompts));
    // The published layouts have one request for a report, which stands around the findings.
    wordings.putIfAbsent(ReportGeneration.NAME, List.of(""));
    return wordings;
  }

  /** The wordings of a set of prompts, {@code published} or {@code own}. */
  static Map<String, List<String>> published(String set) {
    return MAPPER.readValue(resource("prompts/" + set + ".json"), new TypeReference<>() {});
  }

  /**
   * The first turn of a dialog.
   *
   * @param report whether it asks for the report
   * @param only whether nothing follows: the published report samples have other words for no
   *     findings than the instruct samples
   * @param list what it says of the findings, with No Finding where that is a label; ignored by the
   *     published layouts where no report is asked for
   * @param named whether it says anything of them
   */
  String firstTurn(String request, boolean report, boolean only, FindingsList list, boolean named) {
    return switch (layout) {
      case V1 -> published(Version.V1, request, report, only, list);
      case V2 -> published(Version.V2, request, report, only, list);
      case OWN -> "<image>\n" + (named ? SmolLm2Format.line(list) + "\n" : "") + request;
    };
  }

  private static String published(
      Version version, String request, boolean report, boolean only, FindingsList list) {
    if (!report) {
      return version.beforeImage() + version.image() + " " + request;
    }
    FindingsStyle style = only ? FindingsStyle.TRAINING : FindingsStyle.FUSED;
    return PublishedPrompts.reportPrompt(version, PublishedPrompts.findings(list.present(), style));
  }

  /** Its name in files: in lower case. */
  String layoutName() {
    return layout.name().toLowerCase(Locale.ROOT);
  }
}
