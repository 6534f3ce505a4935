package org.radialog.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** A line of progress on a terminal and in a log. */
class ProgressLineTest {
  private static final OptionalLong MEMORY = OptionalLong.of(1_840_000_000);
  private static final String NOTE = "loss 0.123 rate 1.0e-04";

  private static ProgressLine line(long done, long steps, double seconds) {
    return new ProgressLine("first 1/3", done, steps, seconds, MEMORY, NOTE);
  }

  @Test
  void aLineSaysHowFarARateMemoryAndTheTimeThatIsLeft() {
    assertThat(line(45, 100, 30).drawn(79, false))
        .isEqualTo("first 1/3 ==....  45/100    1.5/s  1.8 GB 0:00:37 left " + NOTE + " ");
    assertThat(line(45, 100, 30).logged())
        .isEqualTo("first 1/3 45/100, 1.5/s, 1.8 GB, 0:00:37 left, " + NOTE);
    assertThat(line(100, 100, 3725).logged()).contains(" 100/100, 1.6/min, 1.8 GB, in 1:02:05, ");
    assertThat(line(1, 100, 7200).logged()).contains(", 0.5/h, 1.8 GB, 198:00:00 left, ");
    assertThat(line(90_000, 1_000_000, 3).logged()).contains(", 30000/s, ");
  }

  @Test
  void whatIsNotKnownYetIsNotSaid() {
    ProgressLine first = new ProgressLine("labels", 0, 10, 0.5, OptionalLong.empty(), "");
    assertThat(first.logged()).isEqualTo("labels 0/10");
    assertThat(first.drawn(79, false).strip()).endsWith(" 0/10");
    assertThat(new ProgressLine("none", 0, 0, 0, MEMORY, "").logged())
        .isEqualTo("none 0/0, 1.8 GB, in 0:00:00");
  }

  @Test
  void aLineIsNeverWiderThanTheTerminalAndItsPartsKeepTheirPlaces() {
    long steps = 123_456;
    for (int width : List.of(20, 79, 200)) {
      for (boolean unicode : List.of(false, true)) {
        int rate = -1;
        for (long done = 1; done < steps; done += 1 + done / 3) {
          ProgressLine line =
              new ProgressLine(
                  "first 1/3", done, steps, done * 20.0, MEMORY, "x".repeat((int) (done % 90)));
          String drawn = line.drawn(width, unicode);
          assertThat(drawn).hasSize(width);
          if (width > 20) {
            assertThat(drawn).contains(done + "/" + steps, "3.0/min", "1.8 GB", " left");
            assertThat(rate).isIn(-1, drawn.indexOf("3.0/min"));
            rate = drawn.indexOf("3.0/min");
          }
        }
      }
    }
  }

  @Test
  void numbersAreTheSameInEveryLanguage() {
    Locale before = Locale.getDefault();
    try {
      String expected = line(45, 100, 30).drawn(79, true);
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      assertThat(line(45, 100, 30).drawn(79, true)).isEqualTo(expected).contains("██▋░░░", "1.5/s");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void theMemoryOfAProcessIsWhatItHoldsNowAndAtMost() {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "memory is read from /proc");
    byte[] held = new byte[64 << 20];
    Arrays.fill(held, (byte) 1);
    assertThat(ProcessMemory.resident().orElseThrow()).isGreaterThan(held.length);
    assertThat(ProcessMemory.peak().orElseThrow()).isGreaterThan(held.length);
  }
}
