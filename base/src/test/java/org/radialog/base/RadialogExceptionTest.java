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
  void controlCharactersOfQuotedTextBecomeSpaces() {
    assertThat(new RadialogException("a\nb\r\tc\u001b[31md\u0000e\u0085f"))
        .hasMessage("a b  c [31md e f");
  }

  @Property
  void anyMessageIsOneLineOfTheSameLength(@ForAll String text) {
    String message = requireNonNull(new RadialogException(text).getMessage());
    assertThat(message.codePoints().noneMatch(Character::isISOControl)).isTrue();
    assertThat(message).hasSameSizeAs(text);
  }
}
