package org.radialog.instruct;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.View;
import org.radialog.data.CsvTable;
import org.radialog.data.Film;
import org.radialog.data.FilmBoxes;
import org.radialog.data.ImageChoice;
import org.radialog.data.LungZone;
import org.radialog.data.NihRelease;
import org.radialog.data.Rejected;
import org.radialog.data.ReportedStudy;
import org.radialog.data.StudyImage;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.data.Truth;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Where cases come from: films with labels, or studies with reports. */
public abstract class CaseSource {
  /** The labels of the rule labeler, in place of a table of the data set. */
  public static final String RULES = "rules";

  private static final String CHEXBERT = "chexbert";

  private final Map<String, Long> passedOver = new TreeMap<>();

  private CaseSource() {}

  /** What the last reading passed over because no dialog can be generated from it, by reason. */
  public final Map<String, Long> passedOver() {
    return Collections.unmodifiableMap(passedOver);
  }

  void passOver(String what) {
    passedOver.merge(what, 1L, Long::sum);
  }

  /** Forgets what an earlier reading passed over. */
  void begin() {
    passedOver.clear();
  }

  /** The data set's name. */
  public abstract String name();

  /** What its owner allows, where that is less than to train on it; else empty. */
  public String terms() {
    return "";
  }

  /**
   * Reads all cases, in the data set's order; may be called several times and gives the same.
   *
   * @param rejected gets what could not be used, as it is met
   * @throws RadialogException if a table is missing or is another one
   */
  public abstract void read(Consumer<? super Case> cases, Consumer<? super Rejected> rejected);

  /**
   * Films of the NIH, with reports by {@link ReportGrammar} that say what the labels and
   * radiologists' boxes know, and are marked synthetic. Films with nothing that a report could
   * state and no No Finding either (hernia, for example) are left out.
   *
   * @param split of a release; films that are in no split are always taken
   * @param seed of the reports' wording
   */
  public static CaseSource films(Path folder, StudySplit split, long seed) {
    return new CaseSource() {
      @Override
      public String name() {
        return "nih-chestxray14";
      }

      @Override
      public void read(Consumer<? super Case> cases, Consumer<? super Rejected> rejected) {
        begin();
        Map<String, List<FilmBoxes.Marked>> boxes = FilmBoxes.in(folder, rejected);
        for (NihRelease.Released released : NihRelease.films(folder, rejected)) {
          Film film = released.film();
          if (released.split() == StudySplit.NONE || released.split() == split) {
            ofFilm(folder, film, boxes.getOrDefault(film.image(), List.of()), seed)
                .ifPresentOrElse(cases, () -> passOver("films whose labels no report can state"));
          } else {
            passOver("films of another split");
          }
        }
      }
    };
  }

  private static Optional<Case> ofFilm(
      Path folder, Film film, List<FilmBoxes.Marked> boxes, long seed) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(film.present());
    // What a radiologist drew a box around is there.
    boxes.forEach(box -> present.add(box.finding()));
    Set<Finding> stated = ReportGrammar.stated(present);
    boolean normal = film.truth(Finding.NO_FINDING) == Truth.PRESENT && boxes.isEmpty();
    if (stated.isEmpty() && !normal) {
      return Optional.empty();
    }
    var labels = new EnumMap<Finding, FindingState>(Finding.class);
    ReportGrammar.denied(stated).forEach(finding -> labels.put(finding, FindingState.ABSENT));
    stated.forEach(finding -> labels.put(finding, FindingState.PRESENT));
    labels.put(Finding.NO_FINDING, normal ? FindingState.PRESENT : FindingState.ABSENT);
    List<Case.Place> places = places(boxes);
    long words = Case.draw(seed, film.image());
    return Optional.of(
        new Case(
            "nih-chestxray14",
            film.image(),
            path(folder, film.file()),
            film.view(),
            Case.write(stated, film.view(), words, places),
            ReportGrammar.impression(stated, words),
            true,
            words,
            labels,
            boxes.isEmpty() ? "nih" : "nih and radiologists' boxes",
            places,
            Optional.empty(),
            Optional.empty()));
  }

  /**
   * Where findings lie, told by boxes: the side of the patient, who faces the reader, and the third
   * of the lungs. Nothing is told of a box over the midline, nor of the heart.
   */
  private static List<Case.Place> places(List<FilmBoxes.Marked> boxes) {
    var places = new ArrayList<Case.Place>();
    for (Finding finding : Finding.ALL) {
      if (finding == Finding.CARDIOMEGALY) {
        continue;
      }
      var sides = EnumSet.noneOf(Case.Side.class);
      var zones = new TreeSet<String>();
      boolean plain = true;
      for (FilmBoxes.Marked box : boxes) {
        if (box.finding() == finding) {
          Optional<Case.Side> side = side(box);
          plain &= side.isPresent();
          side.ifPresent(sides::add);
          zones.add(zone(box).map(LungZone::name).orElse(""));
        }
      }
      if (plain && !sides.isEmpty()) {
        places.add(
            new Case.Place(
                finding,
                sides.size() == 1 ? sides.iterator().next() : Case.Side.BOTH,
                zones.size() == 1 && !zones.first().isEmpty()
                    ? Optional.of(LungZone.valueOf(zones.first()))
                    : Optional.empty()));
      }
    }
    return places;
  }

  private static Optional<Case.Side> side(FilmBoxes.Marked box) {
    return box.half()
        .map(half ->
            switch (half) {
              case LEFT -> Case.Side.RIGHT;
              case RIGHT -> Case.Side.LEFT;
            });
  }

  // Nothing where the box reaches far into two thirds of the lungs.
  private static Optional<LungZone> zone(FilmBoxes.Marked box) {
    double margin = 0.03;
    for (LungZone zone : LungZone.values()) {
      if (box.top() >= zone.top() - margin && box.bottom() <= zone.bottom() + margin) {
        return Optional.of(zone);
      }
    }
    return Optional.empty();
  }

  private static String path(Path root, Path file) {
    return (file.startsWith(root) ? root.relativize(file) : file).toString().replace('\\', '/');
  }

  /**
   * How studies become cases.
   *
   * @param root what paths of images are to be relative to
   * @param labels the source of labels among those of a study, or {@link #RULES}; empty for
   *     CheXbert's where the study has them and the rules where it has not
   * @param split studies that are in no split are always taken
   * @param onePerStudy the best view of a study alone, in place of every image
   * @param switches what is left out of reports
   * @param explanations by study, see {@link Case#explained}
   * @param predictedReports by study or image, see {@link Case#predicted}
   */
  public record Studies(
      Path root,
      Optional<String> labels,
      StudySplit split,
      boolean onePerStudy,
      DialogTask.Switches switches,
      Map<String, Case.Explanation> explanations,
      Map<String, String> predictedReports) {
    public Studies {
      predictedReports = Map.copyOf(predictedReports);
      explanations = Map.copyOf(explanations);
    }
  }

  /** Studies with findings sections; those without are left out, as in the original. */
  public static CaseSource studies(StudySource source, Studies how) {
    return new CaseSource() {
      @Override
      public String name() {
        return source.name();
      }

      @Override
      public String terms() {
        return source.name().equals("iu-xray")
            ? "CC BY-NC-ND 4.0: for tests, not for training a model that is passed on"
            : "";
      }

      @Override
      public void read(Consumer<? super Case> cases, Consumer<? super Rejected> rejected) {
        begin();
        var reader = new StudyReader(source.name(), how, this);
        source.read(
            study -> {
              if (study.split() == StudySplit.NONE || study.split() == how.split()) {
                reader.read(study, cases);
              } else {
                passOver("studies of another split");
              }
            },
            rejected);
      }
    };
  }

  /**
   * The explanations of MIMIC-NLE (Kayser et al., MICCAI 2022) by study: JSON, one object a line,
   * with {@code report_ID}, {@code nle} and {@code diagnosis_label}, ten numbers of which 1 says
   * that the sentence explains that diagnosis. Of a study with several, the first.
   *
   * @throws RadialogException if the file cannot be read or a line is none
   */
  public static Map<String, Case.Explanation> explanations(Path file) {
    String name = Printable.escaped(file.toString());
    List<Finding> diagnoses = List.copyOf(Reasoning.DIAGNOSES_OF_NLE);
    var found = new HashMap<String, Case.Explanation>();
    var mapper = JsonMapper.builder().build();
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      long number = 1;
      for (String line = lines.readLine(); line != null; line = lines.readLine(), number++) {
        if (line.isBlank()) {
          continue;
        }
        JsonNode one;
        try {
          one = mapper.readTree(line);
        } catch (JacksonException e) {
          throw new RadialogException(
              Kind.BAD_INPUT,
              "%s, line %d: no JSON: %s"
                  .formatted(name, number, Printable.of(e.getOriginalMessage())),
              e);
        }
        JsonNode labels = one.path("diagnosis_label");
        if (!one.path("report_ID").isString()
            || !one.path("nle").isString()
            || labels.size() != diagnoses.size()) {
          throw new RadialogException(
              Kind.BAD_INPUT,
              "%s, line %d: expected report_ID, nle and diagnosis_label with %d numbers, found %s"
                  .formatted(name, number, diagnoses.size(), Printable.of(line)));
        }
        var of = EnumSet.noneOf(Finding.class);
        for (int i = 0; i < diagnoses.size(); i++) {
          if (labels.path(i).asInt(0) == 1) {
            of.add(diagnoses.get(i));
          }
        }
        if (!of.isEmpty()) {
          found.putIfAbsent(
              one.path("report_ID").asString(""),
              new Case.Explanation(of, one.path("nle").asString("").strip()));
        }
      }
    } catch (IOException e) {
      throw new RadialogException("cannot read " + name + ": " + e, e);
    }
    return found;
  }

  /**
   * Findings of a classifier: a table of {@code image} and the 14 labels with probabilities, of
   * which those from 0.5 on are predicted. By the image as it stands there, and by its file's name.
   *
   * @throws RadialogException if it cannot be read or a cell is no probability
   */
  public static Map<String, Set<Finding>> predictedFindings(Path table) {
    String[] columns =
        Stream.concat(Stream.of("image"), Finding.ALL.stream().map(Finding::label))
            .toArray(String[]::new);
    var found = new HashMap<String, Set<Finding>>();
    rows(
        CsvTable.of(table, columns),
        row -> {
          var seen = EnumSet.noneOf(Finding.class);
          for (Finding finding : Finding.ALL) {
            String cell = row.get(finding.label()).strip();
            if (!cell.isEmpty() && probability(cell) >= 0.5) {
              seen.add(finding);
            }
          }
          String image = row.get("image");
          found.put(image, seen);
          found.put(image.substring(image.lastIndexOf('/') + 1), seen);
        });
    return found;
  }

  private static double probability(String cell) {
    try {
      double probability = Double.parseDouble(cell);
      if (probability >= 0 && probability <= 1) {
        return probability;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new RadialogException(
        "expected a probability from 0 to 1, found \"%s\"".formatted(Printable.of(cell)));
  }

  /**
   * Reports that a model wrote: a table of {@code id}, a study's or an image's, and {@code report}.
   *
   * @throws RadialogException if it cannot be read
   */
  public static Map<String, String> predictedReports(Path table) {
    var found = new HashMap<String, String>();
    rows(CsvTable.of(table, "id", "report"), row -> found.put(row.get("id"), row.get("report")));
    return found;
  }

  private static void rows(CsvTable table, Consumer<CsvTable.Row> use) {
    try (CsvTable.Rows rows = table.open()) {
      for (Optional<CsvTable.Row> next = rows.next(); next.isPresent(); next = rows.next()) {
        CsvTable.Row row = next.get();
        try {
          if (!row.broken().isEmpty()) {
            throw new RadialogException(row.broken());
          }
          use.accept(row);
        } catch (RadialogException e) {
          throw new RadialogException(
              Kind.BAD_INPUT,
              "%s, row %d: %s"
                  .formatted(
                      Printable.escaped(table.file().toString()), row.number(), e.getMessage()),
              e);
        }
      }
    }
  }

  /** Makes cases of studies. */
  private static final class StudyReader {
    private final String name;
    private final Studies how;
    private final CaseSource source;
    private final RuleLabeler rules = new RuleLabeler();

    StudyReader(String name, Studies how, CaseSource source) {
      this.name = name;
      this.how = how;
      this.source = source;
    }

    void read(ReportedStudy study, Consumer<? super Case> cases) {
      String written = study.report().findingsOnOneLine();
      if (written.isEmpty()) {
        source.passOver("studies without a findings section");
        return;
      }
      String labeller =
          how.labels().orElse(study.labels().containsKey(CHEXBERT) ? CHEXBERT : RULES);
      Map<Finding, FindingState> labels =
          labeller.equals(RULES) ? states(rules.label(written)) : study.labels().get(labeller);
      if (labels == null) {
        source.passOver("studies without labels of " + Printable.of(labeller));
        return;
      }
      String report = cleaned(written, labels);
      String impression =
          cleaned(study.report().impression().replaceAll("\\s+", " ").strip(), labels);
      List<StudyImage> images =
          (how.onePerStudy() ? ImageChoice.BEST_VIEW : ImageChoice.EVERY).of(study);
      for (StudyImage image : images) {
        View view =
            image.orientation() == StudyImage.Orientation.LATERAL ? View.LATERAL : image.view();
        cases.accept(
            new Case(
                name,
                study.id(),
                path(how.root(), image.file()),
                view,
                report,
                impression,
                false,
                0,
                labels,
                labeller,
                List.of(),
                Optional.ofNullable(how.explanations().get(study.id()))
                    .filter(explanation -> written.contains(explanation.text())),
                Optional.ofNullable(
                        how.predictedReports()
                            .getOrDefault(image.id(), how.predictedReports().get(study.id())))
                    .map(predicted -> predicted.replaceAll("\\s+", " ").strip())
                    .filter(predicted -> !predicted.isEmpty())));
      }
    }

    // Without the sentences that the switches leave out.
    private String cleaned(String text, Map<Finding, FindingState> labels) {
      String left = text;
      if (how.switches().withoutComparisons()) {
        left = ReportCorrection.without(left, rules.comparisons(left));
      }
      if (how.switches().supportedOnly()) {
        Labels said = rules.label(left);
        var against = new ArrayList<Labels.Passage>();
        for (Finding finding : Finding.ALL) {
          FindingState state = labels.getOrDefault(finding, FindingState.NOT_MENTIONED);
          if (finding != Finding.NO_FINDING) {
            said.entry(finding).evidence().stream()
                .filter(evidence -> contradicts(evidence, state))
                .forEach(evidence -> against.add(evidence.passage()));
          }
        }
        left = ReportCorrection.without(left, against);
      }
      return left;
    }

    private static boolean contradicts(Labels.Evidence evidence, FindingState label) {
      return switch (evidence.state()) {
        case PRESENT -> label != FindingState.PRESENT;
        case ABSENT ->
            (label == FindingState.PRESENT || label == FindingState.UNCERTAIN)
                && !evidence.limited();
        case UNCERTAIN, NOT_MENTIONED -> false;
      };
    }

    private static Map<Finding, FindingState> states(Labels labels) {
      var states = new EnumMap<Finding, FindingState>(Finding.class);
      Finding.ALL.forEach(finding -> states.put(finding, labels.state(finding)));
      return states;
    }
  }
}
