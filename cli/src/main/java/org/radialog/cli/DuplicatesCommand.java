package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NearDuplicates;
import org.radialog.data.NearDuplicates.Pair;
import org.radialog.data.NearDuplicates.Picture;
import org.radialog.data.NearDuplicates.Text;
import org.radialog.data.NihDataSet;
import org.radialog.data.NihRelease;
import org.radialog.data.NihRelease.Released;
import org.radialog.data.StudyImage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code radialog data duplicates}: finds near-duplicates in two splits of a data set. */
@Command(
    name = "duplicates",
    description = {
      "Finds identical or nearly identical reports or films in different splits of a data"
          + " set, because a model must not be scored on its training data. Pairs each item"
          + " with the most similar item of another split and prints the most similar pairs"
          + " first."
    },
    mixinStandardHelpOptions = true)
final class DuplicatesCommand implements Callable<Integer> {
  private enum What {
    REPORTS(0.8),
    FILMS(0.9);

    private final double threshold;

    What(double threshold) {
      this.threshold = threshold;
    }
  }

  @Spec private @Nullable CommandSpec spec;

  @Mixin private DataOptions.Source source = new DataOptions.Source();

  @Option(
      names = "--of",
      paramLabel = "WHAT",
      defaultValue = "reports",
      description = {
        "The items to compare: reports, by word trigrams of findings and impression, or films,"
            + " by a hash of the pixels (default: ${DEFAULT-VALUE})."
      })
  private What what = What.REPORTS;

  @Option(
      names = "--threshold",
      paramLabel = "T",
      converter = Numeric.Likeness.class,
      description = "Minimum similarity, 0.5 to 1 (default: 0.8 for reports, 0.9 for films).")
  private @Nullable Double threshold;

  @Option(
      names = "--folds",
      paramLabel = "FILE",
      description =
          "For NIH films: a table written by radialog data folds, whose folds serve as"
              + " splits (default: the train and test lists for the release, the folds of NIH"
              + " ChestX-ray14 for prepared films).")
  private @Nullable Path folds;

  @Mixin private DataOptions.Table table = new DataOptions.Table();

  @Override
  public Integer call() {
    boolean nih = source.isNih();
    require(!nih || what == What.FILMS, "NIH films have no reports: expected --of films");
    require(nih || folds == null, "--folds can only be used with NIH films");
    DataOptions.LeftOut leftOut = new DataOptions.LeftOut();
    double least = threshold == null ? what.threshold : threshold;
    List<Pair> pairs =
        switch (what) {
          case REPORTS -> NearDuplicates.texts(reports(leftOut), least);
          case FILMS -> {
            var found =
                NearDuplicates.pictures(
                    nih ? nihFilms(leftOut) : films(leftOut), least, Terminal.progress());
            found.rejected().forEach(leftOut);
            yield found.pairs();
          }
        };
    table.write(
        List.of("first", "first_split", "second", "second_split", "similarity"),
        pairs.stream()
            .map(p ->
                List.<Object>of(
                    p.first(),
                    p.firstSplit(),
                    p.second(),
                    p.secondSplit(),
                    Json.rounded(p.similarity())))
            .toList());
    return leftOut.exitCode();
  }

  private List<Text> reports(DataOptions.LeftOut leftOut) {
    List<Text> texts = new ArrayList<>();
    source
        .studies()
        .read(
            study ->
                texts.add(
                    new Text(
                        study.id(),
                        study.split().label(),
                        study.report().findings() + "\n" + study.report().impression())),
            leftOut);
    requireTwo(texts.stream().map(Text::split).distinct().toList());
    return texts;
  }

  private List<Picture> films(DataOptions.LeftOut leftOut) {
    List<Picture> films = new ArrayList<>();
    source
        .studies()
        .read(
            study -> {
              for (StudyImage image : study.images()) {
                films.add(
                    new Picture(
                        study.id() + "/" + image.id(), study.split().label(), image.file()));
              }
            },
            leftOut);
    requireTwo(films.stream().map(Picture::split).distinct().toList());
    return films;
  }

  private List<Picture> nihFilms(DataOptions.LeftOut leftOut) {
    Optional<Folds> table =
        folds != null || NihDataSet.in(source.path())
            ? Optional.of(Folds.of(Optional.ofNullable(folds)))
            : Optional.empty();
    List<Picture> films = new ArrayList<>();
    for (Released released : NihRelease.films(source.path(), leftOut)) {
      Film film = released.film();
      films.add(
          new Picture(
              film.image(),
              table.map(t -> "fold " + t.of(film)).orElse(released.split().label()),
              film.file()));
    }
    requireTwo(films.stream().map(Picture::split).distinct().toList());
    return films;
  }

  private void requireTwo(List<String> splits) {
    if (splits.size() < 2) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s: near-duplicates are searched between splits; expected at least two, found %s"
              .formatted(Printable.escaped(source.path().toString()), splits));
    }
  }

  private void require(boolean holds, String message) {
    if (!holds && spec != null) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }
}
