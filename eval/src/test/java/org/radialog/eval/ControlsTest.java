package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.radialog.base.Progress;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.dialog.Options;
import org.radialog.dialog.RaDialog;
import org.radialog.testing.TestData;

/**
 * A model with a disabled part must fail the protocol that depends on it, and the full model must
 * pass.
 */
class ControlsTest {
  private static final Path MODEL =
      Path.of(System.getProperty("radialog.root", ""), "models", "mini");

  /** Films of fold 0, the same number for each view. */
  private static List<Film> films(int each) {
    Path data = TestData.assumeRadiographs().resolve("nih14");
    List<Film> fold = Folds.nih14().films(NihDataSet.read(data).films(), 0);
    List<Film> films = new ArrayList<>();
    Stream.of(View.PA, View.AP)
        .forEach(
            view -> fold.stream().filter(f -> f.view() == view).limit(each).forEach(films::add));
    return films;
  }

  // Loaded by the first test that needs them, so that without the films each test is skipped
  // individually.
  private static final Map<Control, RaDialog> MODELS = new EnumMap<>(Control.class);

  @AfterAll
  static void close() {
    MODELS.values().forEach(RaDialog::close);
  }

  private static RaDialog model(Control control) {
    return MODELS.computeIfAbsent(control, ControlsTest::load);
  }

  private static RaDialog load(Control control) {
    return RaDialog.load(MODEL, Options.DEFAULT.with(control));
  }

  @Test
  void theViewComesFromTheImage() {
    List<Film> films = films(4);
    assertThat(view(model(Control.NONE), films)).isGreaterThanOrEqualTo(0.5);
    assertThat(view(model(Control.RANDOM_ADAPTER), films)).isLessThan(0.5);
    try (RaDialog blind = load(Control.ZERO_IMAGE)) {
      assertThat(view(blind, films)).isLessThan(0.5);
    }
  }

  private static double view(RaDialog radialog, List<Film> films) {
    return Protocols.view(radialog, films, 1, Progress.NONE).difference();
  }

  @Test
  void anEditIsFollowedByTheAdapterThatWasTaught() {
    List<Film> films = films(2);
    // four films, of which one may fail
    assertThat(addedStated(model(Control.NONE), films)).isGreaterThanOrEqualTo(0.75);
    assertThat(addedStated(model(Control.RANDOM_ADAPTER), films)).isLessThan(0.75);
  }

  private static double addedStated(RaDialog radialog, List<Film> films) {
    return Protocols.edit(radialog, films, 1, Progress.NONE).addedStated();
  }

  @Test
  void aReportIsForeseenByTheAdapterThatWasTaught() {
    List<Film> films = films(2);
    double foreseen = perplexity(model(Control.NONE), films);
    // The grammar chooses its words at random, and the embedded model was taught an earlier one.
    assertThat(foreseen).isGreaterThan(1).isLessThan(20);
    assertThat(perplexity(model(Control.RANDOM_ADAPTER), films)).isGreaterThan(3 * foreseen);
  }

  private static double perplexity(RaDialog radialog, List<Film> films) {
    Protocols.PerplexityResult result = Protocols.perplexity(radialog, films, 1, Progress.NONE);
    assertThat(result.films()).isBetween(1, films.size());
    return result.score().perplexity();
  }
}
