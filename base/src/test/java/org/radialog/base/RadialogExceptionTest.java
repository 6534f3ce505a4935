package org.radialog.base;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

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
}
