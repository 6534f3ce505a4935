package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.radialog.base.Progress;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.dialog.Options;
import org.radialog.dialog.Options.Control;
import org.radialog.dialog.RaDialog;
import org.radialog.testing.TestData;

/**
 * A model without the part that a protocol is about must fail it, and the model itself must not.
 */
class ControlsTest {
  private static final Path MODEL =
      Path.of(System.getProperty("radialog.root", ""), "models", "mini");

  /** Films of fold 0, as many of one view as of the other. */
  private static List<Film> films(int each) {
    Path data = TestData.assumeRadiographs().resolve("nih14");
    List<Film> fold = Folds.nih14().films(NihDataSet.read(data).films(), 0);
    List<Film> films = new ArrayList<>();
    Stream.of(View.PA, View.AP)
        .forEach(
            view -> fold.stream().filter(f -> f.view() == view).limit(each).forEach(films::add));
    return films;
  }

  private static RaDialog load(Control control) {
    return RaDialog.load(MODEL, Options.DEFAULT.with(control));
  }

  @Test
  void theViewComesFromTheImage() {
    List<Film> films = films(8);
    try (RaDialog radialog = load(Control.NONE)) {
      assertThat(Protocols.view(radialog, films, 1, Progress.NONE).difference())
          .isGreaterThanOrEqualTo(0.5);
    }
    try (RaDialog radialog = load(Control.ZERO_IMAGE)) {
      assertThat(Protocols.view(radialog, films, 1, Progress.NONE).difference()).isLessThan(0.5);
    }
    try (RaDialog radialog = load(Control.RANDOM_ADAPTER)) {
      assertThat(Protocols.view(radialog, films, 1, Progress.NONE).difference()).isLessThan(0.5);
    }
  }

  @Test
  void anEditIsFollowedByTheAdapterThatWasTaught() {
    List<Film> films = films(4);
    try (RaDialog radialog = load(Control.NONE)) {
      assertThat(Protocols.edit(radialog, films, 1, Progress.NONE).addedStated())
          .isGreaterThanOrEqualTo(0.75); // eight films: two may miss
    }
    try (RaDialog radialog = load(Control.RANDOM_ADAPTER)) {
      assertThat(Protocols.edit(radialog, films, 1, Progress.NONE).addedStated()).isLessThan(0.75);
    }
  }

  @Test
  void aReportIsForeseenByTheAdapterThatWasTaught() {
    List<Film> films = films(4);
    double taught = perplexity(Control.NONE, films);
    assertThat(taught).isGreaterThan(1).isLessThan(2); // the grammar's choice of words is random
    assertThat(perplexity(Control.RANDOM_ADAPTER, films)).isGreaterThan(3 * taught);
  }

  private static double perplexity(Control control, List<Film> films) {
    try (RaDialog radialog = load(control)) {
      Protocols.PerplexityResult result = Protocols.perplexity(radialog, films, 1, Progress.NONE);
      assertThat(result.films()).isBetween(1, films.size());
      return result.score().perplexity();
    }
  }
}
