package org.radialog.base;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RadialogExceptionTest {
  @Test
  void keepsMessageAndCause() {
    Throwable cause = new IllegalStateException("below");
    RadialogException e = new RadialogException("film 7: expected 8 bits, found 3", cause);
    assertThat(e).hasMessage("film 7: expected 8 bits, found 3").hasCause(cause);
  }

  @Test
  void quotedTextStaysOnOneLineAndSteersNoTerminal() {
    assertThat(new RadialogException("broken at\r\n  byte 3: \u001b[31m\u0000\u202e\u0085f"))
        .hasMessage("broken at byte 3: \\u001b[31m\\u0000\\u202e\\u0085f");
  }

  @Property
  void anyMessageIsOneLine(@ForAll String text) {
    String message = requireNonNull(new RadialogException(text).getMessage());
    assertThat(message.codePoints().noneMatch(Character::isISOControl)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "BAD_INPUT, 1, 400",
    "REFUSED_DATA, 3, 400",
    "REFUSED_IMAGE, 1, 422",
    "REFUSED_WEIGHTS, 3, 500",
    "UNSUPPORTED, 3, 501",
    "FAILED, 3, 500",
    "OVERLOADED, 3, 429",
    "CANCELLED, 130, 499",
  })
  void exitCodeAndStatusFollowFromTheKind(RadialogException.Kind kind, int exitCode, int status) {
    assertThat(kind.exitCode()).isEqualTo(exitCode);
    assertThat(kind.status()).isEqualTo(status);
    assertThat(new RadialogException(kind, "it ended").kind()).isEqualTo(kind);
  }

  @Test
  void theTableHasEveryKindAndWhatSaysNoneHasFailed() {
    assertThat(RadialogException.Kind.values()).hasSize(8);
    assertThat(new RadialogException("it ended").kind()).isEqualTo(RadialogException.Kind.FAILED);
  }
}
