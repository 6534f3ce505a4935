package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumericOptionsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "evaluate --data x --protocol view --films | -1 | 1 to 2147483647",
        "evaluate --data x --protocol view --films | 0 | 1 to 2147483647",
        "evaluate --data x --protocol view --films | 9999999999 | 1 to 2147483647",
        "evaluate --data x --protocol view --films | 1e3 | 1 to 2147483647",
        "evaluate --data x --protocol view --fold | -1 | 0 to 999",
        "evaluate --data x --protocol view --fold | 5 | 0 to 4",
        "evaluate --references x --hypotheses y --resamples | 0 | 1 to 100000",
        "evaluate --references x --hypotheses y --resamples | 2000000000 | 1 to 100000",
        "compare x y --resamples | -3 | 1 to 100000",
        "compare x y --bert-layer | -1 | 0 to 999",
        "rexrank --input_json_file a --save_json_file b --img_root_dir c --max-new-tokens | 0 | 1"
            + " to",
        "evaluate --data x --protocol view --temperature | -1 | 0 to 100",
        "evaluate --data x --protocol view --temperature | NaN | 0 to 100",
        "train classifier --data x --init y --run z --fold | -1 | 0 to 999"
      })
  void aNumberOutOfItsRangeIsAUsageErrorThatNamesTheRange(
      String command, String value, String range) {
    CommandLineRun run = CommandLineRun.of((command + " " + value).split(" ", -1));
    assertThat(run.code()).as(run.err()).isEqualTo(2);
    assertThat(run.errLines().getFirst()).contains(range).contains(value);
    assertThat(run.err()).doesNotContain("\tat ");
  }
}
