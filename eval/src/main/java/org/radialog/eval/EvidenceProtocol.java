package org.radialog.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.ResearchUse;
import org.radialog.base.Sha256;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.FilmBoxes;
import org.radialog.data.FilmBoxes.Marked;
import org.radialog.data.Rejected;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Findings;
import org.radialog.dialog.HeatMap;
import org.radialog.dialog.ModelDecorator;
import org.radialog.dialog.Options;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.eval.EvidenceScores.Reading;
import org.radialog.imaging.FilmHeat;
import org.radialog.imaging.Radiograph;
import org.radialog.published.StrictJson;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Whether the heat of a finding lies where radiologists drew boxes around it: position, side and
 * zone, on films that the classifier was not trained on. A film is used for every finding that it
 * has a box for, whether or not the classifier calls it. No text is written.
 */
public final class EvidenceProtocol {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private EvidenceProtocol() {}

  /**
   * The scores.
   *
   * @param json scores and settings
   * @param table the scores in Markdown
   * @param whole whether every box and film could be used
   */
  public record Result(ObjectNode json, String table, boolean whole) {
    /** Writes {@code scores.json} and {@code table.md} into a folder. */
    public void write(Path folder) {
      WholeFile.write(folder.resolve("scores.json"), json.toPrettyString() + "\n");
      WholeFile.write(folder.resolve("table.md"), table);
    }
  }

  /** Puts the encoder and the classifier of a training run in place of those of the model. */
  private record Trained(Path file) implements ModelDecorator {
    @Override
    public String id() {
      return NONE.id(); // the language model is as without this
    }

    @Override
    public Optional<Path> classifier() {
      return Optional.of(file);
    }
  }

  /**
   * Reads the films of some folds and scores the maps of all of them together.
   *
   * @param model the model folder
   * @param classifiers by fold, the file of a classifier that was trained on the other folds, in
   *     place of the model's own; empty for the model's own
   * @param data folder of the films and the boxes
   * @param films the films of a fold
   * @param rejected receives each box that cannot be used
   * @throws RadialogException if no film has a box around a finding that the model assesses, or a
   *     classifier is of a run that held another fold out
   */
  public static Result run(
      Path model,
      Options options,
      SortedMap<Integer, Optional<Path>> classifiers,
      Path data,
      IntFunction<NihFilms> films,
      Consumer<? super Rejected> rejected,
      Progress progress) {
    classifiers.forEach((fold, file) -> file.ifPresent(f -> requireUnseen(f, fold)));
    boolean[] whole = {true};
    Map<String, List<Marked>> boxes =
        FilmBoxes.in(
            data,
            line -> {
              whole[0] = false;
              rejected.accept(line);
            });
    if (boxes.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          Printable.escaped(data.toString())
              + " has no boxes: expected boxes.csv or rsna2018.csv beside labels.csv, or the"
              + " BBox_List_2017.csv of the release");
    }
    List<Reading> readings = new ArrayList<>();
    int[] notAssessed = {0};
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    Map<String, String> used = new TreeMap<>();
    settings.put("protocol", "evidence");
    classifiers.forEach((fold, file) -> {
      NihFilms chosen = films.apply(fold);
      settings.putAll(chosen.settings());
      whole[0] &= chosen.whole();
      Options with = file.map(Trained::new).map(options::with).orElse(options);
      try (RaDialog radialog = RaDialog.load(model, with)) {
        readings.addAll(read(radialog, chosen.chosen(), boxes, notAssessed, progress));
        settings.put("model", radialog.config().id());
        settings.put("version", radialog.config().version());
      }
      used.put(Integer.toString(fold), file.map(Sha256::of).orElse("the model's own"));
    });
    settings.remove("fold");
    settings.put("classifier_of_fold", used);
    settings.put("boxes_of_findings_not_assessed", notAssessed[0]);
    if (readings.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "no film of %s in fold %s has a box around a finding that the model assesses"
              .formatted(Printable.escaped(data.toString()), classifiers.keySet()));
    }
    return result(readings, settings, whole[0]);
  }

  // A classifier that was trained on the films would look better than it is. A file that does not
  // lie in the folder of its run cannot be checked.
  private static void requireUnseen(Path classifier, int fold) {
    Path config = classifier.resolveSibling("config.json");
    if (!Files.exists(config)) {
      return;
    }
    try {
      JsonNode held =
          StrictJson.tree(config, Files.readAllBytes(config), Kind.REFUSED_DATA).path("fold");
      if (held.isIntegralNumber() && held.intValue() != fold) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            ("the run of %s held fold %s out, so it was trained on the films of fold %d: expected a"
                    + " run with --fold %d")
                .formatted(
                    Printable.escaped(classifier.toString()), Printable.of(held), fold, fold));
      }
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "cannot read " + Printable.escaped(config.toString()) + ": " + e, e);
    }
  }

  private static List<Reading> read(
      RaDialog radialog,
      List<Film> films,
      Map<String, List<Marked>> boxes,
      int[] notAssessed,
      Progress progress) {
    List<Film> boxed = films.stream().filter(film -> boxes.containsKey(film.image())).toList();
    List<Reading> readings = new ArrayList<>();
    try (Progress.Task task = progress.start("evidence", boxed.size())) {
      for (Film film : boxed) {
        Radiograph radiograph = Radiograph.read(film.file());
        Map<Finding, List<Marked>> marked =
            boxes.getOrDefault(film.image(), List.of()).stream()
                .collect(Collectors.groupingBy(Marked::finding, TreeMap::new, Collectors.toList()));
        try (Dialog dialog = radialog.open(Study.of(radiograph).ofAnyView())) {
          Findings findings = dialog.findings();
          marked.forEach((finding, around) -> {
            if (findings.of(finding).probability().isPresent()) {
              readings.add(
                  new Reading(
                      film.image(),
                      film.patient(),
                      finding,
                      findings.state(finding) == Findings.State.PRESENT,
                      onFilm(radialog, dialog.attribution(finding), radiograph),
                      around));
            } else {
              notAssessed[0] += around.size();
            }
          });
        }
        task.step("");
      }
    }
    return readings;
  }

  private static FilmHeat onFilm(RaDialog radialog, HeatMap map, Radiograph film) {
    return new FilmHeat(
        map.values(),
        map.height(),
        map.width(),
        radialog.config().film().preprocessing().forClassifier().seen(film.width(), film.height()));
  }

  private static Result result(
      List<Reading> readings, SequencedMap<String, Object> settings, boolean whole) {
    EvidenceScores scores = EvidenceScores.of(readings);
    SequencedMap<String, Object> counted = new LinkedHashMap<>();
    counted.put("films", readings.stream().map(Reading::image).distinct().count());
    counted.put("boxes", readings.stream().mapToInt(reading -> reading.boxes().size()).sum());
    counted.put("maps", readings.size());
    counted.put("maps_called", readings.stream().filter(Reading::called).count());
    counted.putAll(scores.json());
    ObjectNode json = JSON.createObjectNode();
    json.set("scores", JSON.valueToTree(counted));
    json.set("settings", JSON.valueToTree(settings));
    json.put("notice", ResearchUse.NOTICE);
    String table =
        """
        %s boxes on %s films, %s maps of a finding on a film; %s of these findings are called.

        All boxes:

        %s
        Boxes of findings that are called:

        %s
        %s
        """
            .formatted(
                counted.get("boxes"),
                counted.get("films"),
                counted.get("maps"),
                counted.get("maps_called"),
                scores.table("all"),
                scores.table("called"),
                ResearchUse.NOTICE);
    return new Result(json, table, whole);
  }
}
