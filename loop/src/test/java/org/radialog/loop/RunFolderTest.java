package org.radialog.loop;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;

class RunFolderTest {
  @TempDir Path folder;

  @Test
  void aRunFolderOfAnotherConfigurationIsRefused() {
    Path run = folder.resolve("other");
    RunFolder.open(run, new Told(0, 0.5)).close();
    assertThatThrownBy(() -> RunFolder.open(run, new Told(1, 0.5)))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("another configuration: fold is 0 there, here 1");
    RunFolder.open(run, new Told(0, 0.5)).close();
  }

  @Test
  void aRunFolderInUseIsRefusedUntilItIsFree() {
    Path run = folder.resolve("busy");
    try (RunFolder _ = RunFolder.open(run, new Told(0, 1))) {
      assertThatThrownBy(() -> RunFolder.open(run, new Told(0, 1)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("still running");
    }
    RunFolder.open(run, new Told(0, 1)).close();
  }

  /** A configuration. */
  record Told(int fold, double rate) {}
}
