package org.radialog.base;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void aLongValueIsShortenedAndItsLengthSaid() {
    assertThat(Printable.of("1".repeat(64_000))).isEqualTo("1".repeat(80) + "… (64000 characters)");
  }

  @Test
  void aPairOfSurrogatesIsNotCut() {
    assertThat(Printable.of("a".repeat(79) + "😀".repeat(3)))
        .isEqualTo("a".repeat(79) + "… (85 characters)");
  }

  @Test
  void charactersThatSteerATerminalAreWrittenAsTheirCodes() {
    assertThat(Printable.of("a\u001b[2Jb\rc\u202Ed\u0085e\u2028f\u009b"))
        .isEqualTo("a\\u001b[2Jb\\u000dc\\u202ed\\u0085e\\u2028f\\u009b");
  }

  @Test
  void lettersOfAnyScriptStay() {
    assertThat(Printable.of("ünïcödé 胸 ×")).isEqualTo("ünïcödé 胸 ×");
  }

  @Property
  void neverPrintsWhatATerminalObeys(@ForAll String any) {
    assertThat(Printable.escaped(any).codePoints().filter(Character::isISOControl)).isEmpty();
    assertThat(Printable.of(any)).hasSizeLessThan(80 * 9 + 40);
  }
}
