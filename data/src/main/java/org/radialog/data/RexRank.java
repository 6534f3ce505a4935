package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.WholeFile;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.ReportSections.Section;
import org.radialog.data.StudyImage.Orientation;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads the studies of ReXrank and writes the predictions that it scores.
 *
 * <p>This class implements both sides of ReXrank's file format (github rajpurkarlab/ReXrank, {@code
 * example_files/submission_tutorial_round2.md}: {@code --input_json_file}, {@code
 * --save_json_file}, {@code --img_root_dir}). The input is one object that maps a study id to
 * {@code image_path[]}, {@code key_image_path}, {@code context}, {@code frontal_lateral[]}, {@code
 * section_findings}, {@code section_impression} and {@code report} ({@code data/READMD.md}). The
 * output is the same object with {@code model_prediction} added to every study ({@code
 * example_files/prediction.json}, {@code medgamma_inference.py}); it is the input of {@code
 * evaluation_script.md}.
 */
public final class RexRank implements StudySource {
  /** Attribute: the image for models that take a single image, a path as in {@code image_path}. */
  public static final String KEY_IMAGE = "key_image_path";

  /** Attribute: the context that may be given to the model, unchanged. */
  public static final String CONTEXT = "context";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  // Indentation as in Python's json.dump(…, indent=4), which other submissions use.
  private static final DefaultPrettyPrinter INDENT =
      new DefaultPrettyPrinter(
              Separators.createDefaultInstance()
                  .withObjectNameValueSpacing(Separators.Spacing.AFTER))
          .withObjectIndenter(new DefaultIndenter("    ", "\n"))
          .withArrayIndenter(new DefaultIndenter("    ", "\n"));

  private static final Pattern CONTEXT_PART =
      Pattern.compile("(?<![A-Za-z])(Age|Gender|Indication|Comparison):");

  private final Path file;
  private final ImageFolder images;

  private RexRank(Path file, ImageFolder images) {
    this.file = file;
    this.images = images;
  }

  /** The studies of an input file, for example {@code ReXRank_IUXray_test.json}. */
  public static RexRank of(Path inputJson) {
    return new RexRank(inputJson, new ImageFolder(Optional.empty()));
  }

  /** This source with {@code --img_root_dir}; a missing image is rejected. */
  public RexRank withImages(Path root) {
    return new RexRank(file, new ImageFolder(Optional.of(root)));
  }

  @Override
  public String name() {
    return "rexrank";
  }

  @Override
  public Tally read(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
    var out = new StudySink(studies, rejected);
    long[] number = {0};
    var seen = new HashSet<String>();
    entries(
        file,
        (id, study) -> {
          number[0]++;
          if (!study.isObject()) {
            out.reject(
                file,
                number[0],
                "study %s: expected an object, found %s"
                    .formatted(Printable.of(id), Printable.of(study)));
          } else if (!seen.add(id)) {
            out.reject(file, number[0], "study %s occurs twice".formatted(Printable.of(id)));
          } else {
            out.study(study(id, study, number[0], out));
          }
        });
    return out.tally();
  }

  private ReportedStudy study(String id, JsonNode study, long number, StudySink out) {
    List<String> orientations = strings(study.path("frontal_lateral"));
    List<String> paths = strings(study.path("image_path"));
    var list = new ArrayList<StudyImage>();
    for (int i = 0; i < paths.size(); i++) {
      Orientation orientation =
          i < orientations.size() ? Orientation.of(orientations.get(i)) : Orientation.UNKNOWN;
      switch (images.find(List.of(paths.get(i)))) {
        case ImageFolder.Found.At(Path at) ->
            list.add(StudyImage.of(paths.get(i), at, orientation));
        case ImageFolder.Found.Not(String reason) ->
            out.reject(file, number, "study %s: %s".formatted(id, reason));
      }
    }
    var attributes = new TreeMap<String, String>();
    attributes.put(KEY_IMAGE, string(study.path("key_image_path")));
    var sections = new ArrayList<Section>();
    sections.add(new Section(ReportSections.FULL_REPORT, string(study.path("report"))));
    context(study.path("context"), sections, attributes);
    sections.add(new Section(ReportSections.FINDINGS, string(study.path("section_findings"))));
    sections.add(new Section(ReportSections.IMPRESSION, string(study.path("section_impression"))));
    String subject = string(study.path("subject_id"));
    return new ReportedStudy(
        id,
        subject.isEmpty() ? id : subject,
        list,
        new ReportSections(sections),
        StudySplit.of(string(study.path("split"))),
        new TreeMap<>(),
        attributes);
  }

  // The context is a text with the words Age:, Gender:, Indication:, Comparison:, or an object with
  // these keys.
  private static void context(
      JsonNode context, List<Section> sections, Map<String, String> attributes) {
    var parts = new LinkedHashMap<String, String>();
    if (context.isObject()) {
      context.properties().forEach(e -> parts.put(e.getKey(), string(e.getValue())));
      attributes.put(CONTEXT, context.toString());
    } else {
      String text = string(context);
      attributes.put(CONTEXT, text);
      String plain = text.replaceAll("</?context>", "");
      Matcher part = CONTEXT_PART.matcher(plain);
      boolean more = part.find();
      while (more) {
        String name = part.group(1);
        int begin = part.end();
        more = part.find();
        String value = plain.substring(begin, more ? part.start() : plain.length()).strip();
        parts.put(name, value);
      }
    }
    parts.forEach((name, value) -> {
      switch (name.toLowerCase(Locale.ROOT)) {
        case "age" -> attributes.put(ReportedStudy.AGE, withoutFullStop(value));
        case "gender" -> attributes.put(ReportedStudy.SEX, withoutFullStop(value));
        case "indication" -> sections.add(new Section(ReportSections.INDICATION, value));
        case "comparison" -> sections.add(new Section(ReportSections.COMPARISON, value));
        default -> {
          // The value is kept in the context only.
        }
      }
    });
  }

  private static String withoutFullStop(String value) {
    return value.endsWith(".") ? value.substring(0, value.length() - 1) : value;
  }

  /**
   * Reads the predictions of an output file, study id to {@code model_prediction}, in the order of
   * the file. Studies without a prediction are omitted.
   *
   * @throws RadialogException if the file is not a JSON object of studies
   */
  public static SequencedMap<String, String> predictions(Path saveJson) {
    var predictions = new LinkedHashMap<String, String>();
    entries(
        saveJson,
        (id, study) -> {
          JsonNode prediction = study.path("model_prediction");
          if (prediction.isString()) {
            predictions.put(id, prediction.asString());
          }
        });
    return predictions;
  }

  /**
   * Writes the output file: the studies of {@code inputJson} with all their fields in the original
   * order, and {@code model_prediction} added to each. A study without a prediction is omitted,
   * because the scoring script stops at such a study. NaN, which Python writes for a missing
   * section, becomes null.
   *
   * @param prediction returns the report for a study id
   * @return the ids of the omitted studies
   * @throws RadialogException if the input cannot be read or the output cannot be written
   */
  public static List<String> write(
      Path inputJson, Path saveJson, Function<String, Optional<String>> prediction) {
    var without = new ArrayList<String>();
    var seen = new HashSet<String>();
    WholeFile.write(
        saveJson,
        out -> {
          try (JsonGenerator json =
              JSON.writer()
                  .with(INDENT)
                  .without(StreamWriteFeature.AUTO_CLOSE_TARGET)
                  .createGenerator(out)) {
            json.writeStartObject();
            entries(
                inputJson,
                (id, study) -> {
                  if (!seen.add(id)) {
                    return; // the first one is used, as in read
                  }
                  Optional<String> text =
                      study.isObject() ? prediction.apply(id) : Optional.empty();
                  if (text.isEmpty()) {
                    without.add(id);
                    return;
                  }
                  ObjectNode with = JSON.createObjectNode();
                  study
                      .properties()
                      .forEach(e -> {
                        if (e.getValue().isNumber() && isNaN(e.getValue())) {
                          with.putNull(e.getKey());
                        } else {
                          with.set(e.getKey(), e.getValue());
                        }
                      });
                  with.put("model_prediction", text.get());
                  json.writeName(id);
                  json.writePOJO(with);
                });
            json.writeEndObject();
          }
        });
    return without;
  }

  private static boolean isNaN(JsonNode number) {
    return !Double.isFinite(number.doubleValue());
  }

  // Parses one study at a time, so that a file of a hundred thousand studies is not held in memory.
  private static void entries(Path file, BiConsumer<String, JsonNode> each) {
    try (Reader text = TextFile.open(file);
        JsonParser in = JSON.createParser(text)) {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%s is not a ReXrank file: expected a JSON object of studies, found %s"
                .formatted(Printable.escaped(file.toString()), in.currentToken()));
      }
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String id = in.currentName();
        in.nextToken();
        JsonNode study = in.readValueAsTree();
        each.accept(id, study);
      }
    } catch (JacksonException | IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "cannot read the ReXrank file %s: %s"
              .formatted(
                  Printable.escaped(file.toString()),
                  e instanceof JacksonException json ? json.getOriginalMessage() : e),
          e);
    }
  }

  private static List<String> strings(JsonNode array) {
    var strings = new ArrayList<String>();
    if (array.isArray()) {
      array.forEach(item -> strings.add(string(item)));
    }
    return strings;
  }

  /** A text or a whole number; empty for null, NaN and a missing value. */
  private static String string(JsonNode node) {
    if (node.isString()) {
      return node.asString();
    }
    return node.isNumber() && !isNaN(node) ? node.asString() : "";
  }
}
