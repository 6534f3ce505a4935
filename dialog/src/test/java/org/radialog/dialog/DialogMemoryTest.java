package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.radialog.base.ProcessMemory;
import org.radialog.language.Precision;
import org.radialog.testmodel.TinyModel;

class DialogMemoryTest {
  @Test
  void memoryAfterFiveHundredDialogsIsThatAfterOneHundred() {
    assumeTrue(
        ProcessMemory.resident().isPresent(),
        "resident memory is read from /proc, which this system lacks");
    try (RaDialog model = RaDialog.load(TinyModel.folder(), Options.DEFAULT.with(Precision.FP32))) {
      long after100 = 0;
      for (int i = 1; i <= 500; i++) {
        try (Dialog dialog = model.open(Study.of(TinyModel.film(i % 5)))) {
          dialog.ask("Is there an effusion?", Decoding.greedy(4), text -> {});
        }
        if (i == 100) {
          after100 = residentMegabytes();
        }
      }
      long after500 = residentMegabytes();
      System.out.printf("resident: %d MB after 100, %d MB after 500%n", after100, after500);
      assertThat(after500 - after100).isLessThanOrEqualTo(50);
    }
  }

  // The heap's own slack is no leak: collected first.
  private static long residentMegabytes() {
    System.gc();
    return ProcessMemory.resident().orElseThrow() / (1 << 20);
  }
}
