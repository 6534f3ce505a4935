package org.radialog.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Sha256Test {
  @TempDir private Path folder;

  @Test
  void aFileHasTheDigestThatSha256sumGives() throws IOException {
    Path file = Files.writeString(folder.resolve("a"), "abc");
    assertThat(Sha256.of(file))
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); // FIPS 180
  }

  @Test
  void aFolderChangesWithEveryNameAndByteAndWithNothingElse() throws IOException {
    Path one = Files.createDirectories(folder.resolve("one/sub"));
    Files.writeString(one.resolve("x"), "1");
    Files.writeString(folder.resolve("one/y"), "2");
    Path other = Files.createDirectories(folder.resolve("other/sub"));
    Files.writeString(folder.resolve("other/y"), "2");
    Files.writeString(other.resolve("x"), "1");
    String digest = Sha256.of(folder.resolve("one"));
    assertThat(Sha256.of(folder.resolve("other"))).isEqualTo(digest);
    Files.writeString(other.resolve("x"), "3");
    assertThat(Sha256.of(folder.resolve("other"))).isNotEqualTo(digest);
    Files.writeString(other.resolve("x"), "1");
    Files.move(other.resolve("x"), other.resolve("z"));
    assertThat(Sha256.of(folder.resolve("other"))).isNotEqualTo(digest);
  }

  @Test
  void whatCannotBeReadIsNamed() {
    assertThatThrownBy(() -> Sha256.of(folder.resolve("missing")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("missing");
  }
}
