package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.language.Precision;
import org.radialog.testmodel.TinyModel;
import org.radialog.vision.Alignment;

/** Films are looked at one after the other; how many may wait for it is a limit. */
@Timeout(120)
class FilmLimitTest {
  private static final Options OPTIONS = Options.DEFAULT.with(Precision.FP32);

  /** The model's alignment, which begins with a film when it is let. */
  private static final class Held implements ModelDecorator {
    private final CountDownLatch reading = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);

    @Override
    public String id() {
      return "held";
    }

    @Override
    public Alignment alignment(Alignment own) {
      return (features, dropout) -> {
        reading.countDown();
        try {
          assertThat(go.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        return own.forward(features, dropout);
      };
    }
  }

  @Test
  void aFilmBeyondTheLimitIsRefusedAndReadWhenThereIsRoom() throws Exception {
    Findings expected;
    try (RaDialog free = RaDialog.load(TinyModel.folder(), OPTIONS);
        Dialog dialog = free.open(Study.of(TinyModel.film(2)))) {
      expected = dialog.findings();
    }
    Held held = new Held();
    try (RaDialog model = RaDialog.load(TinyModel.folder(), OPTIONS.withFilms(1).with(held));
        ExecutorService other = Executors.newSingleThreadExecutor();
        Dialog one = model.open(Study.of(TinyModel.film(1)));
        Dialog two = model.open(Study.of(TinyModel.film(2)))) {
      Future<Findings> first = other.submit(one::findings);
      assertThat(held.reading.await(60, TimeUnit.SECONDS)).isTrue();
      assertThatThrownBy(two::findings)
          .isInstanceOfSatisfying(
              RadialogException.class, e -> assertThat(e.kind()).isEqualTo(Kind.OVERLOADED))
          .hasMessage(
              "as many films as the limit of 1 allows are being read or wait for it; ask again"
                  + " later");
      held.go.countDown();
      assertThat(first.get(60, TimeUnit.SECONDS)).isNotEqualTo(expected);
      assertThat(two.findings()).isEqualTo(expected);
      assertThat(two.attribution(Finding.EDEMA).finding()).isEqualTo(Finding.EDEMA);
    }
  }

  @Test
  void aLimitThatNoFilmKeepsIsRefused() {
    assertThatThrownBy(() -> OPTIONS.withFilms(0))
        .hasMessage("a limit of 0 films at once, expected at least 1");
  }
}
