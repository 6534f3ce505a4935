package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.testmodel.TinyModel;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every mode of {@code evaluate} that asks a model, on three films and a model of random weights.
 */
class EvaluateModesTest {
  private static final String MODEL = TinyModel.folder().toString();

  @TempDir private static Path folder;

  @BeforeAll
  static void films() throws IOException {
    Path images = Files.createDirectories(folder.resolve("images"));
    StringBuilder labels = new StringBuilder("image,patient,age,sex,view,chexpert_positive\n");
    StringBuilder release =
        new StringBuilder(
            "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View"
                + " Position\n");
    String[][] films = {
      {"effusion.jpg", "1", "PA", "Pleural Effusion", "Effusion"},
      {"no-finding.jpg", "2", "AP", "No Finding", "No Finding"},
      {"cardiomegaly.jpg", "3", "AP", "Cardiomegaly", "Cardiomegaly"}
    };
    for (String[] film : films) {
      Files.copy(Path.of(CommandLineRun.sample(film[0])), images.resolve(film[0]));
      labels.append("%s,%s,60,F,%s,%s\n".formatted(film[0], film[1], film[2], film[3]));
      release.append("%s,%s,0,%s,60,F,%s\n".formatted(film[0], film[4], film[1], film[2]));
    }
    Files.writeString(folder.resolve("labels.csv"), labels);
    Files.writeString(folder.resolve("folds.csv"), "patient,fold\n1,0\n2,0\n3,1\n");
    Path released = Files.createDirectories(folder.resolve("release"));
    Files.writeString(released.resolve("Data_Entry_2017_v2020.csv"), release);
    Files.writeString(released.resolve("test_list.txt"), "effusion.jpg\n");
    Files.createSymbolicLink(released.resolve("images"), images);
  }

  private static CommandLineRun evaluate(Path data, String protocol, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "evaluate",
                "--data",
                data.toString(),
                "--protocol",
                protocol,
                "--json",
                "--model",
                MODEL));
    arguments.addAll(List.of(more));
    CommandLineRun run = CommandLineRun.of(arguments.toArray(String[]::new));
    assertThat(run.code()).as(run.err()).isZero();
    return run;
  }

  private static JsonNode check(String protocol, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("--folds", folder.resolve("folds.csv").toString()));
    arguments.addAll(List.of(more));
    JsonNode result =
        evaluate(folder, protocol, arguments.toArray(String[]::new)).json().getFirst();
    assertThat(result.at("/settings/protocol").stringValue()).isEqualTo(protocol);
    assertThat(result.at("/scores/films").intValue()).isEqualTo(2);
    return result.path("scores");
  }

  @Test
  void viewSaysHowOftenItIsToldAndHowOftenOfTheOtherFilm() {
    JsonNode scores = check("view");
    double difference = scores.path("difference").doubleValue();
    assertThat(difference)
        .isBetween(-1.0, 1.0)
        .isEqualTo(
            scores.path("accuracy").doubleValue() - scores.path("accuracy_of_other").doubleValue());
  }

  @Test
  void editAddsAFindingToEveryReport() {
    assertThat(check("edit").path("added").intValue()).isEqualTo(2);
  }

  @Test
  void reportLooksAtWhatEachReportSays() {
    JsonNode scores = check("report");
    assertThat(scores.path("shortest_words").intValue()).isPositive();
    assertThat(scores.path("agreement").doubleValue()).isBetween(0.0, 1.0);
  }

  @Test
  void guidanceWritesEverythingWithAndWithoutItAndKeepsTheTexts() throws IOException {
    Path out = folder.resolve("guidance");
    JsonNode scores = check("guidance", "--out", out.toString());
    List<String> texts = Files.readAllLines(out.resolve("texts.jsonl"));
    assertThat(texts).hasSize(2 * 2 * 11);
    assertThat(texts)
        .allSatisfy(line -> assertThat(line).contains("\"list\":\"Findings: "))
        .filteredOn(line -> line.contains("\"guided\":true") && line.contains("\"question\":\"\""))
        .hasSize(2);
    for (String way : List.of("guided_", "free_")) {
      assertThat(scores.path(way + "reports").intValue()).isEqualTo(2);
      assertThat(scores.path(way + "answers").intValue()).isEqualTo(20);
    }
    assertThat(scores.path("guided_reports_contradicting").intValue()).isZero();
    assertThat(scores.path("guided_answers_contradicting").intValue()).isZero();
    assertThat(scores.path("free_written_again").intValue()).isZero();
    assertThat(scores.path("guided_time").doubleValue()).isPositive();
  }

  @Test
  void generalQuestionsNeedNoFilms() {
    CommandLineRun run =
        CommandLineRun.of(
            "evaluate",
            "--protocol",
            "general",
            "--control",
            "no_adapter",
            "--json",
            "--model",
            MODEL);
    assertThat(run.code()).as(run.err()).isZero();
    JsonNode scores = run.json().getFirst().path("scores");
    assertThat(scores.path("questions").intValue()).isEqualTo(100);
    // a model of random weights guesses
    assertThat(scores.path("known").intValue()).isBetween(5, 60);
  }

  @Test
  void perplexityIsThatOfTheMeanLikelihood() {
    JsonNode scores = check("perplexity");
    assertThat(scores.path("perplexity").doubleValue())
        .isGreaterThan(1)
        .isCloseTo(Math.exp(scores.path("mean_nll").doubleValue()), withinPercentage(1e-3));
  }

  @Test
  void theModelIsAskedAndComparedWithBaselinesAndWithItselfWithoutTheImage() throws IOException {
    String folds = folder.resolve("folds.csv").toString();
    Path one = folder.resolve("one");
    evaluate(
        folder,
        "generation,binary_qa,view_qa,impression",
        "--folds",
        folds,
        "--baseline",
        "most_frequent,nearest,findings_text",
        "--resamples",
        "10",
        "--out",
        one.toString());
    JsonNode result = JsonMapper.shared().readTree(one.resolve("scores.json").toFile());
    assertThat(result.path("systems").valueStream().map(s -> s.path("name").stringValue()))
        .contains("most frequent", "nearest", "findings text")
        .anyMatch(name -> name.endsWith(", impression"));
    JsonNode model = result.path("systems").get(0).path("scores");
    assertThat(model.path("clinical").has("yes-or-no answers")).isTrue();
    assertThat(model.path("view_accuracy").doubleValue()).isBetween(0.0, 1.0);
    JsonNode fracture = model.at("/clinical/uncertain=negative/per_label/Fracture");
    assertThat(fracture.path("known").intValue()).isZero();
    assertThat(fracture.path("f1").isNull()).isTrue();
    assertThat(result.path("comparisons").size()).isEqualTo(3);

    Path two = folder.resolve("two");
    evaluate(
        folder,
        "generation",
        "--folds",
        folds,
        "--control",
        "zero_image",
        "--hide-findings",
        "--resamples",
        "10",
        "--out",
        two.toString());
    JsonNode hidden = JsonMapper.shared().readTree(two.resolve("scores.json").toFile());
    assertThat(hidden.at("/settings/findings_in_prompts").stringValue()).isEqualTo("none");
    CommandLineRun compared =
        CommandLineRun.of(
            "compare",
            one.resolve("predictions.jsonl").toString(),
            two.resolve("predictions.jsonl").toString(),
            "--resamples",
            "10");
    assertThat(compared.code()).as(compared.err()).isZero();
    assertThat(compared.out())
        .contains("one/predictions.jsonl", "two/predictions.jsonl", "difference", "not known");
  }

  @Test
  void theReleaseOfTheNihIsReadInItsPublishedLayout() {
    JsonNode result =
        evaluate(
                folder.resolve("release"),
                "findings",
                "--split",
                "test",
                "--predictions",
                folder.resolve("released.jsonl").toString(),
                "--resamples",
                "10")
            .json()
            .getFirst();
    assertThat(result.path("items").intValue()).isEqualTo(1);
    assertThat(result.at("/settings/data").stringValue()).isEqualTo("NIH ChestX-ray14");
    assertThat(result.at("/settings/split").stringValue()).isEqualTo("test");
    assertThat(result.at("/scores/findings/not_known").toString()).contains("Fracture");
  }

  @Test
  void evidenceIsHeldAgainstTheBoxesFoldByFold() throws IOException {
    Path boxed = boxed();
    String folds = folder.resolve("folds.csv").toString();
    Path out = folder.resolve("evidence");
    String own = TinyModel.folder().resolve("radialog.safetensors").toString();
    JsonNode both =
        evaluate(
                boxed,
                "evidence",
                "--folds",
                folds,
                "--classifier",
                "0=" + own,
                "--classifier",
                "1=" + own,
                "--out",
                out.toString())
            .json()
            .getFirst();
    assertThat(both.at("/scores/films").intValue()).isEqualTo(2);
    assertThat(both.at("/scores/boxes").intValue()).isEqualTo(3);
    assertThat(both.at("/scores/maps").intValue()).isEqualTo(2);
    assertThat(both.at("/scores/all/Overall/near/of").intValue()).isEqualTo(2);
    assertThat(both.at("/settings/classifier_of_fold").propertyNames()).containsExactly("0", "1");
    assertThat(both.at("/settings/boxes_of_findings_not_assessed").intValue()).isZero();
    assertThat(JsonMapper.shared().readTree(out.resolve("scores.json").toFile())).isEqualTo(both);
    assertThat(out.resolve("table.md"))
        .content()
        .contains("3 boxes on 2 films")
        .contains("| Pleural Effusion | zone of one of the boxes |");

    JsonNode one = evaluate(boxed, "evidence", "--folds", folds).json().getFirst();
    assertThat(one.at("/scores/films").intValue()).isEqualTo(1);
    // The same weights, so the same map.
    assertThat(one.at("/scores/all/Pleural Effusion").toString())
        .isEqualTo(both.at("/scores/all/Pleural Effusion").toString());
  }

  private static Path boxed() throws IOException {
    Path boxed = Files.createDirectories(folder.resolve("boxed"));
    if (Files.notExists(boxed.resolve("boxes.csv"))) {
      Files.createSymbolicLink(boxed.resolve("images"), folder.resolve("images"));
      Files.copy(folder.resolve("labels.csv"), boxed.resolve("labels.csv"));
      Files.writeString(
          boxed.resolve("boxes.csv"),
          """
          image,label,x,y,w,h
          effusion.jpg,Effusion,20,150,100,80
          effusion.jpg,Effusion,160,150,60,60
          cardiomegaly.jpg,Cardiomegaly,50,100,120,100
          """);
    }
    return boxed;
  }

  private static CommandLineRun refused(Path data, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of("evaluate", "--data", data.toString(), "--model", MODEL, "--protocol"));
    arguments.addAll(List.of(more));
    return CommandLineRun.of(arguments.toArray(String[]::new));
  }

  @Test
  void aFolderWithoutBoxesIsRefused() {
    CommandLineRun run =
        refused(folder, "evidence", "--folds", folder.resolve("folds.csv").toString());
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.errLines()).last().asString().contains("has no boxes: expected boxes.csv");
  }

  @Test
  void aClassifierThatLacksATensorIsRefused() throws IOException {
    String folds = folder.resolve("folds.csv").toString();
    CommandLineRun run =
        refused(
            boxed(),
            "evidence",
            "--folds",
            folds,
            "--classifier",
            "0=" + CommandLineRun.ROOT.resolve("golden/lora-qv.safetensors"));
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.errLines()).last().asString().contains("has no tensor vision.");
  }

  @Test
  void aClassifierThatWasTrainedOnTheFilmsIsRefused() throws IOException {
    Path run = Files.createDirectories(folder.resolve("run-1"));
    Files.copy(
        TinyModel.folder().resolve("radialog.safetensors"), run.resolve("classifier.safetensors"));
    Files.writeString(run.resolve("config.json"), "{\"fold\": 1}");
    CommandLineRun wrong =
        refused(boxed(), "evidence", "--classifier", "0=" + run.resolve("classifier.safetensors"));
    assertThat(wrong.code()).isEqualTo(3);
    assertThat(wrong.errLines()).last().asString().contains("held fold 1 out");
  }

  @Test
  void onlyEvidenceTakesClassifiers() {
    assertThat(refused(folder, "view", "--classifier", "0=a.safetensors").code()).isEqualTo(2);
    assertThat(refused(folder, "evidence", "--classifier", "x=a.safetensors").code()).isEqualTo(2);
  }
}
