package org.radialog.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.radialog.dialog.Options;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Radiograph;
import org.radialog.language.CacheShape;
import org.radialog.language.LanguageDecoder;
import org.radialog.language.Precision;

class SpeedTest {
  private static final CacheShape SHAPE = new CacheShape(2, 1, 8, 2048);
  private static final Path ROOT = Path.of(System.getProperty("radialog.root", ""));

  @Test
  void aReplayMakesTheGivenPassesAndThenAsManySteps() {
    List<String> seen = new ArrayList<>();
    LanguageDecoder decoder =
        (tokens, caches, logits) -> {
          seen.add(caches.getFirst().length() + "+" + tokens.getFirst().length);
          assertThat(logits).hasNumberOfRows(tokens.getFirst().length);
          int end = caches.getFirst().length() + tokens.getFirst().length;
          caches.getFirst().reserve(end);
          caches.getFirst().advance(tokens.getFirst().length);
        };
    List<Speed.Pass> passes =
        List.of(new Speed.Pass(4, 3), new Speed.Pass(1, 1), new Speed.Pass(4, 1));
    Speed.Replay replay = Speed.replay(decoder, SHAPE, 32, 100, 50, passes, 1);
    assertThat(seen)
        .containsExactly("100+4", "103+1", "104+4", "100+1", "101+1", "102+1", "103+1", "104+1");
    assertThat(replay.ratio()).isEqualTo(replay.inPasses() / replay.singly()).isPositive();
  }

  @Test
  void anAnswersLengthBoundsAReplay() {
    List<Integer> lengths = new ArrayList<>();
    LanguageDecoder decoder =
        (tokens, caches, logits) -> {
          lengths.add(caches.getFirst().length());
          caches.getFirst().advance(tokens.getFirst().length);
        };
    List<Speed.Pass> passes = List.of(new Speed.Pass(4, 4), new Speed.Pass(4, 4));
    Speed.replay(decoder, SHAPE, 32, 90, 7, passes, 1);
    assertThat(lengths.subList(0, 2)).containsExactly(90, 90);
    assertThatThrownBy(() -> Speed.replay(decoder, SHAPE, 32, 90, 3, passes, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most 3 tokens");
    int positions = SHAPE.positions();
    assertThatThrownBy(() -> Speed.replay(decoder, SHAPE, 32, positions, 4, passes, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("positions");
  }

  @Test
  void aPassKeepsOneTokenToAllOfThem() {
    assertThatThrownBy(() -> new Speed.Pass(2, 3)).hasMessageContaining("got 3");
    assertThatThrownBy(() -> new Speed.Pass(2, 0)).hasMessageContaining("got 0");
  }

  @Test
  void correctionsSayTheSameWithPromptLookupAndWithout() {
    Options options = Options.DEFAULT.with(Precision.INT8);
    Radiograph film = Radiograph.read(ROOT.resolve("samples/effusion.jpg"));
    try (RaDialog model = RaDialog.load(ROOT.resolve("models/mini"), options);
        Speed speed = Speed.of(model)) {
      Speed.Lookup lookup = speed.lookup(List.of(film), 2, 5);
      assertThat(lookup.difference()).isEmpty();
      assertThat(lookup.turns()).isEqualTo(2);
      assertThat(lookup.passes()).anyMatch(pass -> pass.kept() > 1);
      assertThat(lookup.tokensAPass()).isGreaterThan(1);
    }
  }
}
