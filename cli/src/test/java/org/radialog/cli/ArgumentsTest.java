package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ArgumentsTest {
  @Test
  void aNameInUtf8IsThePathThatItSpells() {
    for (String name : new String[] {"a.png", "/films/ünïcödé 胸 😀.png", "%41 a+b?#.png", ""}) {
      byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
      assertThat(Arguments.escaped(bytes)).isEqualTo(name);
      assertThat(Arguments.path(name)).isEqualTo(Path.of(name));
      assertThat(Arguments.text(name)).isEqualTo(name);
    }
  }

  @Test
  void aByteThatIsNoUtf8IsInThePathAndShownAsOneThatIsNone() {
    String argument = Arguments.escaped("caf\u00e9/ü.png".getBytes(StandardCharsets.ISO_8859_1));
    Path path = Arguments.path(argument);
    assertThat(path.isAbsolute()).isFalse();
    assertThat(path.toUri().toString()).endsWith("/caf%E9/%FC.png");
    assertThat(Arguments.path("/" + argument).toUri().toString())
        .isEqualTo("file:///caf%E9/%FC.png");
    assertThat(Arguments.text(argument)).isEqualTo("caf\uFFFD/\uFFFD.png");
  }

  @Property
  void anyBytesAreTheBytesOfThePath(@ForAll @Size(max = 40) byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == 0 || bytes[i] == '/') {
        bytes[i] = 'x'; // what no name has
      }
    }
    StringBuilder expected = new StringBuilder("file:///x");
    for (byte b : bytes) {
      expected.append("%%%02X".formatted(b & 0xFF));
    }
    Path path = Arguments.path("/x" + Arguments.escaped(bytes));
    assertThat(path).isEqualTo(Path.of(java.net.URI.create(expected.toString())));
  }
}
