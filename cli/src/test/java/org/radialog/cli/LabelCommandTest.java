package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class LabelCommandTest {
  @TempDir private Path folder;

  @Test
  void aTableHasTheIdsAndACodeForEachLabel() throws IOException {
    Path file = folder.resolve("reports.csv");
    Files.writeString(
        file,
        "id,report\n\"a,1\",Mild pulmonary edema. No pleural effusion. Possible pneumonia.\nb,\n");
    CommandLineRun run = CommandLineRun.of("label", file.toString(), "--csv");
    assertThat(run.code()).isZero();
    assertThat(run.out().lines())
        .containsExactly(
            "id,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,"
                + "Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,"
                + "Fracture,Support Devices",
            "\"a,1\",0,,,,,1,,-1,,,0,,,",
            "b,,,,,,,,,,,,,,");
    assertThat(run.err()).contains("not for diagnosis");
  }

  @Test
  void anObjectHasTheWordsAndTheSentenceThatSaySo() throws IOException {
    Path file = Files.writeString(folder.resolve("reports.txt"), "Clear. There is an effusion.\n");
    CommandLineRun run = CommandLineRun.of("label", file.toString(), "--json");
    JsonNode effusion = run.json().getFirst().at("/labels/Pleural Effusion");
    assertThat(run.json().getFirst().path("id").stringValue()).isEqualTo("1");
    assertThat(effusion.path("state").stringValue()).isEqualTo("present");
    assertThat(effusion.at("/where/0/words").stringValue()).isEqualTo("effusion");
    assertThat(effusion.at("/where/0/sentence").stringValue()).isEqualTo("There is an effusion.");
  }

  @Test
  void aBrokenRowIsNamedAndTheOthersAreLabeled() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("reports.jsonl"),
            "{\"id\":\"a\",\"report\":\"Cardiomegaly.\"}\n{\"id\":\"b\"}\n{\"id\":\"c\",\"report\":\"Edema.\"}\n");
    CommandLineRun run = CommandLineRun.of("label", file.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out().lines().map(line -> line.substring(0, 2)))
        .containsExactly("id", "a,", "c,");
    assertThat(run.errLines().getFirst()).contains(file + ", row 2");
  }

  @Test
  void aMissingFileCannotBeLabeled() {
    CommandLineRun run = CommandLineRun.of("label", folder.resolve("none.csv").toString());
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.errLines()).hasSize(1);
  }

  @Test
  void oneOutputAtATime() {
    assertThat(CommandLineRun.of("label", "x.csv", "--csv", "--json").code()).isEqualTo(2);
  }
}
