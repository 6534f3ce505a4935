package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.radialog.base.WorkInterrupted;
import org.radialog.clinical.Finding;
import org.radialog.language.Precision;
import org.radialog.testmodel.TinyModel;

/** What callers do that they should not, or that nobody thought of. */
@Timeout(60)
class CallerMistakesTest {
  private static final Decoding SHORT = Decoding.greedy(24);
  // Without guidance, so that listeners hear every token.
  private static final Decoding LONG = Decoding.greedy(1500).with(Guidance.Wanted.OFF);
  private static final Options OPTIONS = Options.DEFAULT.with(Precision.FP32);

  private static RaDialog model;

  @BeforeAll
  static void load() {
    model = RaDialog.load(TinyModel.folder(), OPTIONS);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static Dialog open(int film) {
    return model.open(Study.of(TinyModel.film(film)));
  }

  private static void unheard(String text) {}

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> RuntimeException disguised(Throwable thrown) throws E {
    throw (E) thrown;
  }

  private static int endless(int depth) {
    return depth < 0 ? 0 : endless(depth + 1) + 1;
  }

  private static List<Consumer<String>> throwing() {
    return List.of(
        text -> {
          throw new IllegalArgumentException("a plain exception");
        },
        text -> {
          throw new AssertionError("an error");
        },
        text -> {
          throw new OutOfMemoryError("as if");
        },
        text -> endless(0),
        text -> {
          throw CallerMistakesTest.<RuntimeException>disguised(new IOException("a full disk"));
        },
        text -> {
          throw CallerMistakesTest.<RuntimeException>disguised(new InterruptedException("enough"));
        });
  }

  private static Class<?> thrown(Consumer<String> listener) {
    try {
      listener.accept("");
    } catch (Throwable e) {
      return e.getClass();
    }
    throw new AssertionError("the listener throws nothing");
  }

  /** All that a fresh dialog says in three turns. */
  private static List<String> conversation(Dialog dialog) {
    List<String> texts = new ArrayList<>();
    texts.add(dialog.report(SHORT, CallerMistakesTest::unheard).text());
    texts.add(dialog.ask("Is there an effusion?", SHORT, CallerMistakesTest::unheard).text());
    texts.add(dialog.impression(SHORT, CallerMistakesTest::unheard).text());
    return texts;
  }

  @ParameterizedTest
  @MethodSource("throwing")
  void whateverAListenerThrowsReachesTheCallerAndTheDialogGoesOnAsAFreshOne(
      Consumer<String> listener) throws Exception {
    try (Dialog fresh = open(1);
        Dialog dialog = open(1)) {
      Class<?> thrown = thrown(listener);
      assertThatThrownBy(() -> dialog.report(LONG, listener)).isInstanceOf(thrown);
      List<String> expected = conversation(fresh);
      assertThat(conversation(dialog)).isEqualTo(expected);
      // In the middle of a conversation too: the turn is then no part of it.
      assertThatThrownBy(() -> dialog.ask("Go on.", LONG, listener)).isInstanceOf(thrown);
      dialog.report(SHORT, CallerMistakesTest::unheard);
      assertThatThrownBy(() -> dialog.ask("Is the heart large?", LONG, listener))
          .isInstanceOf(thrown);
      assertThat(dialog.ask("Is there an effusion?", SHORT, CallerMistakesTest::unheard).text())
          .isEqualTo(expected.get(1));
    }
    assertThatTheEngineSleeps();
  }

  private static void assertThatTheEngineSleeps() throws InterruptedException {
    List<Thread> engines =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals("radialog-engine"))
            .toList();
    assertThat(engines).isNotEmpty();
    for (Thread engine : engines) {
      for (int i = 0; i < 500 && engine.getState() != Thread.State.WAITING; i++) {
        Thread.sleep(10);
      }
      assertThat(engine.getState()).isEqualTo(Thread.State.WAITING);
    }
  }

  @Test
  void aFailedCorrectionLeavesFindingsAndReportAsTheyWere() {
    try (Dialog dialog = open(1)) {
      dialog.report(SHORT, CallerMistakesTest::unheard);
      Findings before = dialog.findings();
      assertThatThrownBy(() ->
              dialog.correct(
                  Correction.add(Finding.EDEMA),
                  LONG,
                  text -> {
                    throw new AssertionError("no paper");
                  }))
          .isInstanceOf(AssertionError.class);
      assertThat(dialog.findings()).isEqualTo(before);
    }
  }

  @Test
  void aListenerMayCloseItsDialog() {
    Dialog dialog = open(1);
    Report report = dialog.report(LONG, text -> dialog.close());
    assertThat(report.end()).isEqualTo(Engine.End.CANCELLED);
    assertThatThrownBy(dialog::report)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    dialog.close();
  }

  @Test
  void aListenerMayCloseItsModelWhichIsFreedAtTheEndOfTheTurn() throws Exception {
    RaDialog other = RaDialog.load(TinyModel.folder(), OPTIONS);
    Dialog dialog = other.open(Study.of(TinyModel.film(1)));
    Dialog idle = other.open(Study.of(TinyModel.film(2)));
    idle.report(SHORT, CallerMistakesTest::unheard);
    other.ready();
    Thread engine = newest("radialog-engine");
    Report report = dialog.report(LONG, text -> other.close());
    assertThat(report.end()).isEqualTo(Engine.End.CANCELLED);
    engine.join(10_000);
    assertThat(engine.isAlive()).isFalse();
    assertThatThrownBy(idle::report).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> other.open(Study.of(TinyModel.film(1))))
        .isInstanceOf(IllegalStateException.class);
    assertThat(open(1).report(SHORT, CallerMistakesTest::unheard).text()).isNotEmpty();
  }

  private static Thread newest(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals(name))
        .max((a, b) -> Long.compare(a.threadId(), b.threadId()))
        .orElseThrow();
  }

  @Test
  void aListenerMayWaitForAnotherThreadThatClosesItsDialog() {
    Dialog dialog = open(1);
    Report report = dialog.report(LONG, text -> CompletableFuture.runAsync(dialog::close).join());
    assertThat(report.end()).isEqualTo(Engine.End.CANCELLED);
  }

  @Test
  void listenersMayCloseEachOthersDialogs() throws Exception {
    Dialog one = open(1);
    Dialog two = open(2);
    CountDownLatch both = new CountDownLatch(2);
    CompletableFuture<Report> first = reporting(one, text -> closing(both, two));
    CompletableFuture<Report> second = reporting(two, text -> closing(both, one));
    assertThat(first.get(30, TimeUnit.SECONDS).end()).isEqualTo(Engine.End.CANCELLED);
    assertThat(second.get(30, TimeUnit.SECONDS).end()).isEqualTo(Engine.End.CANCELLED);
  }

  private static void closing(CountDownLatch both, Dialog dialog) {
    both.countDown();
    try {
      both.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    dialog.close();
  }

  private static CompletableFuture<Report> reporting(Dialog dialog, Consumer<String> listener) {
    return inThread(() -> dialog.report(LONG, listener));
  }

  private static <T> CompletableFuture<T> inThread(Supplier<T> work) {
    return CompletableFuture.supplyAsync(work, job -> Thread.ofPlatform().daemon().start(job));
  }

  @Test
  void whatElseAListenerCallsOfItsOwnDialogIsRefusedAtOnce() {
    List<Consumer<Dialog>> calls =
        List.of(
            Dialog::report,
            dialog -> dialog.ask("And?", CallerMistakesTest::unheard),
            Dialog::findings,
            Dialog::takeBack,
            Dialog::features,
            dialog -> dialog.edit(new FindingsEdit.Hidden()),
            dialog -> dialog.adopt("Clear."));
    for (Consumer<Dialog> call : calls) {
      try (Dialog dialog = open(1)) {
        assertThatThrownBy(() -> dialog.report(LONG, text -> call.accept(dialog)))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("a listener of its answer may only cancel or close it");
        assertThat(dialog.report(SHORT, CallerMistakesTest::unheard).end())
            .isEqualTo(Engine.End.LENGTH);
      }
    }
  }

  @Test
  void aListenerMayTalkInAnotherDialog() {
    try (Dialog dialog = open(1);
        Dialog other = open(2);
        Dialog alone = open(2)) {
      List<String> texts = new ArrayList<>();
      dialog.report(
          Decoding.greedy(3),
          text -> texts.add(other.report(SHORT, CallerMistakesTest::unheard).text()));
      String expected = alone.report(SHORT, CallerMistakesTest::unheard).text();
      assertThat(texts).isNotEmpty().allMatch(expected::equals);
    }
  }

  @Test
  void nobodyWaitsForAListenerThatBlocks() throws Exception {
    CountDownLatch listening = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Dialog blocked = open(1);
    CompletableFuture<Report> report =
        reporting(
            blocked,
            text -> {
              listening.countDown();
              try {
                go.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    listening.await();
    try (Dialog other = open(2)) {
      assertThat(other.report(SHORT, CallerMistakesTest::unheard).end())
          .isEqualTo(Engine.End.LENGTH);
    }
    blocked.close(); // from this thread, while the listener blocks
    assertThat(report).isNotDone();
    go.countDown();
    // All of it may have been computed before it was closed: a listener does not hold the model up.
    assertThat(report.get(30, TimeUnit.SECONDS).text()).isNotEmpty();
    assertThatThrownBy(blocked::report).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aListenerThatIsInterruptedEndsTheAnswerAndTheThreadStaysInterrupted() throws Exception {
    try (Dialog dialog = open(1)) {
      CompletableFuture<Boolean> interrupted =
          inThread(() -> {
            Report report = dialog.report(LONG, text -> Thread.currentThread().interrupt());
            assertThat(report.end()).isEqualTo(Engine.End.CANCELLED);
            return Thread.currentThread().isInterrupted();
          });
      assertThat(interrupted.get(30, TimeUnit.SECONDS)).isTrue();
      assertThat(dialog.report(SHORT, CallerMistakesTest::unheard).end())
          .isEqualTo(Engine.End.LENGTH);
    }
  }

  @Test
  void loadingInAnInterruptedThreadIsNoFaultOfTheWeights() throws Exception {
    CompletableFuture<Boolean> interrupted =
        inThread(() -> {
          Thread.currentThread().interrupt();
          assertThatThrownBy(() -> RaDialog.load(TinyModel.folder(), OPTIONS))
              .isInstanceOf(WorkInterrupted.class)
              .hasMessage("loading " + TinyModel.folder() + " was interrupted");
          return Thread.currentThread().isInterrupted();
        });
    assertThat(interrupted.get(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void loadingThatIsInterruptedAtAnyTimeEitherLoadsOrSaysSo() throws Exception {
    for (int round = 0; round < 20; round++) {
      CountDownLatch begun = new CountDownLatch(1);
      CompletableFuture<Boolean> loaded = new CompletableFuture<>();
      Thread loading =
          Thread.ofPlatform()
              .daemon()
              .start(() -> {
                begun.countDown();
                try (RaDialog other = RaDialog.load(TinyModel.folder(), OPTIONS)) {
                  loaded.complete(other.precision() == Precision.FP32);
                } catch (WorkInterrupted e) {
                  loaded.complete(Thread.currentThread().isInterrupted());
                } catch (RuntimeException | Error e) {
                  loaded.completeExceptionally(e);
                }
              });
      begun.await();
      TimeUnit.MICROSECONDS.sleep(300L * round);
      loading.interrupt();
      // Whichever it was, loaded or interrupted: never another failure.
      assertThat(loaded.get(30, TimeUnit.SECONDS)).isTrue();
      loading.join();
    }
  }

  @Test
  void waitingForAModelEndsWhereItIsInterruptedAndTheModelGoesOnLoading() throws Exception {
    try (RaDialog other = RaDialog.load(TinyModel.folder(), OPTIONS)) {
      CompletableFuture<Boolean> interrupted =
          inThread(() -> {
            Thread.currentThread().interrupt();
            assertThatThrownBy(other::ready).isInstanceOf(WorkInterrupted.class);
            return Thread.currentThread().isInterrupted();
          });
      assertThat(interrupted.get(30, TimeUnit.SECONDS)).isTrue();
      other.ready();
    }
  }

  @Test
  void aCancellationBeforeATurnEndsItBeforeAnythingIsComputed() {
    try (Dialog dialog = open(1);
        Dialog fresh = open(1)) {
      dialog.cancel(); // there is no sequence yet
      Report report = dialog.report(LONG, CallerMistakesTest::unheard);
      assertThat(report.end()).isEqualTo(Engine.End.CANCELLED);
      assertThat(report.text()).isEmpty();
      assertThat(report.usage().completionTokens()).isZero();
      assertThat(conversation(dialog)).isEqualTo(conversation(fresh)); // it is spent
      dialog.cancel();
      dialog.findings(); // no turn
      assertThat(dialog.ask("Edema?", LONG, CallerMistakesTest::unheard).end())
          .isEqualTo(Engine.End.CANCELLED);
      assertThat(dialog.ask("Edema?", SHORT, CallerMistakesTest::unheard).end())
          .isEqualTo(Engine.End.LENGTH);
    }
  }

  @Test
  void aCancellationIsNeverLostToATurnThatIsJustBeginning() throws Exception {
    try (Dialog dialog = open(1)) {
      for (int round = 0; round < 60; round++) {
        CountDownLatch go = new CountDownLatch(1);
        CompletableFuture<Void> cancelling =
            CompletableFuture.runAsync(
                () -> {
                  try {
                    go.await();
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                  dialog.cancel();
                },
                job -> Thread.ofPlatform().daemon().start(job));
        go.countDown();
        if (round % 3 == 0) {
          TimeUnit.MICROSECONDS.sleep(50L * round);
        }
        // It would take seconds: whenever the cancellation comes, before or during it, it counts.
        assertThat(dialog.report(LONG, CallerMistakesTest::unheard).end())
            .isEqualTo(Engine.End.CANCELLED);
        cancelling.join();
      }
    }
  }

  @Test
  void aCancellationWhileATurnEndsIsSpentWithIt() {
    try (Dialog dialog = open(1)) {
      // The listener runs behind the model, which by then has said all that it will.
      Report report =
          dialog.report(
              Decoding.greedy(2),
              text -> {
                try {
                  Thread.sleep(50);
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
                dialog.cancel();
              });
      assertThat(report.end()).isIn(Engine.End.LENGTH, Engine.End.CANCELLED);
      assertThat(dialog.ask("Edema?", SHORT, CallerMistakesTest::unheard).end())
          .isEqualTo(Engine.End.LENGTH);
    }
  }
}
