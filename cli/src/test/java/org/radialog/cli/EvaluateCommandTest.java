package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.Assertions;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EvaluateCommandTest {
  @TempDir private Path folder;

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private static final String REFERENCES =
      """
      id,report
      a,The heart is enlarged. No effusion.
      b,There is a pleural effusion.
      c,Clear lungs.
      """;

  @Test
  void reportsThatAreTheReferencesScoreOne() throws IOException {
    Path references = file("references.csv", REFERENCES);
    CommandLineRun run =
        CommandLineRun.of(
            "evaluate",
            "--references",
            references.toString(),
            "--hypotheses",
            references.toString(),
            "--resamples",
            "20",
            "--json");
    assertThat(run.code()).isZero();
    JsonNode scores = run.json().getFirst();
    for (String metric : List.of("BLEU-1", "BLEU-4", "ROUGE-L")) {
      assertThat(scores.path("scores").path(metric).doubleValue())
          .as(metric)
          .isCloseTo(1, within());
    }
    JsonNode clinical = scores.at("/scores/clinical/uncertain=negative");
    assertThat(clinical.path("micro_f1_14").doubleValue()).isCloseTo(1, within());
    assertThat(scores.at("/scores/clinical/uncertain=positive/micro_f1_14").doubleValue())
        .isCloseTo(1, within());
    assertThat(scores.path("scores").has("METEOR")).isFalse();
    assertThat(scores.path("settings").toString()).contains("METEOR").contains("--meteor-data");
    assertThat(scores.path("settings").path("tokenizer").stringValue()).isEqualTo("nltk");
  }

  private static Offset<Double> within() {
    return Assertions.within(1e-6);
  }

  @Test
  void aFolderGetsScoresTablePageAndPlotsTheSameEachTime() throws IOException {
    Path references = file("references.csv", REFERENCES);
    Path hypotheses =
        file(
            "hypotheses.jsonl",
            """
            {"id":"a","report":"Cardiomegaly."}
            {"id":"c","report":"Clear."}
            {"id":"b","report":""}
            """);
    Path others = file("others.csv", "id,report\na,Not this.\nd,Clear lungs.\ne,Clear lungs.\n");
    for (String out : List.of("one", "two")) {
      CommandLineRun run =
          CommandLineRun.of(
              "evaluate",
              "--references",
              references.toString(),
              "--hypotheses",
              hypotheses.toString(),
              "--baseline",
              "most_frequent,reference_labels",
              "--fit",
              others.toString(),
              "--resamples",
              "20",
              "--out",
              folder.resolve(out).toString());
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.out()).contains("most frequent report").contains("oracle");
    }
    for (String name : List.of("scores.json", "table.md", "report.html")) {
      assertThat(folder.resolve("one").resolve(name))
          .hasSameTextualContentAs(folder.resolve("two").resolve(name));
    }
    assertThat(folder.resolve("one/plots")).isDirectoryContaining("glob:**.svg");
    JsonNode scores =
        JsonMapper.shared().readTree(Files.readString(folder.resolve("one/scores.json")));
    assertThat(scores.path("settings").toString())
        .contains("references_sha256")
        .contains("bootstrap_seed");
  }

  @Test
  void reportsOfOtherStudiesAreRefusedByTheirIds() throws IOException {
    CommandLineRun run =
        CommandLineRun.of(
            "evaluate",
            "--references",
            file("references.csv", REFERENCES).toString(),
            "--hypotheses",
            file("hypotheses.csv", "id,report\na,Clear.\nx,Clear.\n").toString());
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.errLines())
        .hasSize(1)
        .first()
        .asString()
        .contains("2 of 3 ids are only in the first (b, c)")
        .contains("1 of 2 only in the second (x)");
  }

  @Test
  void twoSystemsAreComparedPairByPair() throws IOException {
    CommandLineRun run =
        CommandLineRun.of(
            "compare",
            file("a.csv", REFERENCES).toString(),
            file("b.csv", "id,report\na,Clear.\nb,Clear.\nc,Clear lungs.\n").toString(),
            "--references",
            file("references.csv", REFERENCES).toString(),
            "--resamples",
            "20");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("a.csv").contains("b.csv").contains("difference");
  }

  @Test
  void aModelIsAskedImageByImageAndTheSameCommandGoesOn() throws IOException {
    Path films = folder.resolve("films");
    Files.createDirectories(films);
    Path table =
        file(
            "films/table.csv",
            "id,patient,study,image,report\n"
                + "1,p1,s1,"
                + CommandLineRun.sample("effusion.jpg")
                + ",There is a pleural effusion.\n"
                + "2,p2,s2,"
                + CommandLineRun.sample("no-finding.jpg")
                + ",The lungs are clear.\n"
                + "3,p3,s3,missing.jpg,The lungs are clear.\n");
    Path out = folder.resolve("out");
    String[] command = {
      "evaluate",
      "--data",
      table.toString(),
      "--protocol",
      "findings,generation,correction,list_qa",
      "--resamples",
      "20",
      "--out",
      out.toString()
    };
    CommandLineRun first = CommandLineRun.of(command);
    assertThat(first.code()).as(first.err()).isEqualTo(1);
    assertThat(first.err()).contains("missing.jpg");
    Path predictions = out.resolve("predictions.jsonl");
    List<String> lines = Files.readAllLines(predictions);
    assertThat(lines).hasSize(3);
    CommandLineRun again = CommandLineRun.of(command);
    assertThat(Files.readAllLines(predictions)).isEqualTo(lines);
    assertThat(again.out()).isEqualTo(first.out());

    CommandLineRun from =
        CommandLineRun.of("evaluate", "--from", predictions.toString(), "--resamples", "20");
    assertThat(from.code()).as(from.err()).isZero();
    assertThat(from.out()).contains("corrected").contains("listed findings");

    CommandLineRun other =
        CommandLineRun.of(
            "evaluate",
            "--data",
            table.toString(),
            "--protocol",
            "findings",
            "--out",
            out.toString());
    assertThat(other.code()).isEqualTo(3);
    assertThat(other.err()).contains("predictions of another run: its tasks");
  }

  @Test
  void rexrankGetsItsFileWithAPredictionForEveryStudyThatHasAnImage() throws IOException {
    Path images = CommandLineRun.ROOT.resolve("samples");
    Path input =
        file(
            "input.json",
            "{\"s1\":{\"key_image_path\":\"effusion.jpg\",\"image_path\":[\"no-finding.jpg\",\"effusion.jpg\"],"
                + "\"frontal_lateral\":[\"Frontal\",\"Frontal\"],\"report\":\"R\",\"context\":\"C\"},"
                + "\"s2\":{\"key_image_path\":\"x.png\",\"image_path\":[\"x.png\"],\"report\":\"R\"}}");
    Path output = folder.resolve("output.json");
    CommandLineRun run =
        CommandLineRun.of(
            "rexrank",
            "--input_json_file",
            input.toString(),
            "--save_json_file",
            output.toString(),
            "--img_root_dir",
            images.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("x.png").contains("1 of 2 studies have no prediction");
    JsonNode saved = JsonMapper.shared().readTree(Files.readString(output));
    assertThat(saved.at("/s1/model_prediction").stringValue()).isNotBlank();
    assertThat(saved.at("/s1/context").stringValue()).isEqualTo("C");
    assertThat(saved.has("s2")).isFalse();
  }

  @Test
  void modesThatDoNotGoTogetherAreUsageErrors() {
    assertThat(CommandLineRun.of("evaluate").code()).isEqualTo(2);
    assertThat(CommandLineRun.of("evaluate", "--protocol", "view,edit", "--data", ".").code())
        .isEqualTo(2);
    assertThat(CommandLineRun.of("evaluate", "--references", "r.csv", "--protocol", "view").code())
        .isEqualTo(2);
  }

  @Test
  void reportsWithoutAWordAreCountedOnStderrAndInTheResult() throws IOException {
    CommandLineRun run =
        CommandLineRun.of(
            "evaluate",
            "--references",
            file("references.csv", REFERENCES).toString(),
            "--hypotheses",
            file("h.csv", "id,report\na,\nb,...\nc,Clear lungs.\n").toString(),
            "--resamples",
            "5");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err()).contains("h.csv, empty reports: 2 of 3 have no word");
    assertThat(run.out()).contains("2 of 3 have no word");
  }

  @Test
  void subgroupsAreATableThatCanBeRead() throws IOException {
    StringBuilder predictions = new StringBuilder("{\"settings\":{\"model\":\"m\"}}\n");
    for (int i = 0; i < 6; i++) {
      predictions.append(
          """
          {"id":"%d","group":"%d","subgroup":{"sex":"%s","age":"%d"},"truth":{"Edema":"present"},\
          "references":["Edema."],"report":"Edema."}
          """
              .formatted(i, i, i % 2 == 0 ? "F" : "M", 30 + 20 * (i % 3)));
    }
    CommandLineRun run =
        CommandLineRun.of(
            "evaluate",
            "--from",
            file("p.jsonl", predictions.toString()).toString(),
            "--resamples",
            "5");
    assertThat(run.code()).as(run.err()).isZero();
    String header =
        run.out().lines().filter(line -> line.startsWith("| subgroup")).findFirst().orElseThrow();
    assertThat(header.chars().filter(c -> c == '|').count()).isEqualTo(10);
    assertThat(header).contains("macro F1, 14 labels").contains("micro F1, 14 labels");
  }
}
