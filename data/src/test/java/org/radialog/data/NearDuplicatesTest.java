package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.RescaleOp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.NearDuplicates.Pair;
import org.radialog.data.NearDuplicates.Picture;
import org.radialog.data.NearDuplicates.Text;
import org.radialog.testing.Golden;
import org.radialog.testing.TestData;

class NearDuplicatesTest {
  private static final List<String> SENTENCES =
      List.of(
          "The heart size is normal.",
          "The cardiac silhouette is enlarged.",
          "The lungs are clear.",
          "There is no pleural effusion or pneumothorax.",
          "A small effusion blunts the left costophrenic angle.",
          "The mediastinal contours are unremarkable.",
          "An opacity in the right lower lobe may be pneumonia.",
          "The aorta is tortuous and calcified.",
          "There is no acute fracture of the ribs.",
          "The endotracheal tube ends above the carina.",
          "Linear atelectasis is seen at the left base.",
          "The pulmonary vessels are mildly congested.");

  @TempDir Path folder;

  @Test
  void theSameTextInTwoSplitsIsFoundWhateverItsPunctuation() {
    List<Pair> pairs =
        NearDuplicates.texts(
            List.of(
                new Text("a", "train", "No acute disease."),
                new Text("b", "train", "no  acute disease"),
                new Text("c", "test", "No acute\ndisease!"),
                new Text("d", "validate", "Large left effusion with atelectasis."),
                new Text("e", "test", ""),
                new Text("f", "train", "...")),
            0.8);
    // c is paired once with the first train text, and b with c; a text without words is not paired.
    assertThat(pairs)
        .containsExactly(
            new Pair("a", "train", "c", "test", 1), new Pair("b", "train", "c", "test", 1));
  }

  @Test
  void theSimilarityIsThatOfTheWordTriples() {
    String base = "one two three four five six seven eight nine ten eleven twelve";
    List<Pair> pairs =
        NearDuplicates.texts(
            List.of(
                new Text("a", "train", base),
                new Text("b", "test", base + " thirteen"),
                new Text("c", "test", base.replace("six", "6"))),
            0.5);
    // 10 triples and 11 triples with 10 in common; 7 of 13 if a word in the middle differs.
    assertThat(pairs).hasSize(2);
    assertThat(pairs.getFirst().second()).isEqualTo("b");
    assertThat(pairs.getFirst().similarity()).isCloseTo(10 / 11.0, within(1e-12));
    assertThat(pairs.get(1).similarity()).isCloseTo(7 / 13.0, within(1e-12));
    assertThat(
            NearDuplicates.texts(
                List.of(new Text("a", "train", base), new Text("b", "train", base)), 0.5))
        .isEmpty();
  }

  @Test
  void plantedCopiesAmongReportsOfStockSentencesAreAllFoundAndMatchTheSlowWay() {
    var random = new Random(3);
    var texts = new ArrayList<Text>();
    for (int i = 0; i < 600; i++) {
      String report =
          random
              .ints(0, SENTENCES.size())
              .distinct()
              .limit(8 + random.nextInt(3))
              .mapToObj(SENTENCES::get)
              .collect(Collectors.joining(" "));
      texts.add(new Text("r" + i, i % 3 == 0 ? "test" : "train", report));
    }
    var planted = new HashSet<String>();
    for (int i = 0; i < 40; i++) {
      Text original = texts.get(random.nextInt(600));
      String split = original.split().equals("test") ? "train" : "test";
      texts.add(new Text("copy" + i, split, original.text().replaceFirst("(?i)the ", "this ")));
      planted.add("copy" + i);
    }
    List<Pair> pairs = NearDuplicates.texts(texts, 0.8);
    Set<String> found = new HashSet<>();
    pairs.forEach(pair -> {
      found.add(pair.first());
      found.add(pair.second());
    });
    assertThat(found).containsAll(planted);
    assertThat(NearDuplicates.texts(texts, 0.8)).isEqualTo(pairs);
    assertThat(pairs)
        .allMatch(p -> !p.firstSplit().equals(p.secondSplit()) && p.similarity() >= 0.8);

    // The brute-force comparison of all pairs must not find a better partner for any item.
    var expected = new HashSet<String>();
    List<Set<List<String>>> triples = texts.stream().map(text -> triples(text.text())).toList();
    for (int a = 0; a < texts.size(); a++) {
      for (int b = 0; b < texts.size(); b++) {
        if (!texts.get(a).split().equals(texts.get(b).split())
            && jaccard(triples.get(a), triples.get(b)) >= 0.8) {
          expected.add(texts.get(a).id());
        }
      }
    }
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void aCrowdOfEqualTextsCostsNoSquare() {
    var texts = new ArrayList<Text>();
    for (int i = 0; i < 100_000; i++) {
      texts.add(new Text("t" + i, i % 2 == 0 ? "train" : "test", "No acute disease."));
    }
    assertThat(NearDuplicates.texts(texts, 0.8)).hasSize(99_999);
  }

  @Test
  void aFilmIsFoundAgainAfterBeingEncodedAnewButNotItsMirrorImage() throws IOException {
    var pictures = new ArrayList<Picture>();
    List<String> names = List.of("cardiomegaly", "effusion", "no-finding");
    for (String name : names) {
      Path file = Golden.root().resolve("samples").resolve(name + ".jpg");
      pictures.add(new Picture(name, "train", file));
      BufferedImage film = ImageIO.read(file.toFile());
      pictures.add(
          new Picture(name + " small", "test", save(name + "-small.png", scaled(film, 300, 280))));
      BufferedImage darker = new RescaleOp(0.8f, -5, null).filter(film, null);
      pictures.add(new Picture(name + " dark", "validate", save(name + "-dark.jpg", darker)));
      var mirrored = new BufferedImage(film.getWidth(), film.getHeight(), film.getType());
      Graphics2D g = mirrored.createGraphics();
      g.drawImage(film, film.getWidth(), 0, -film.getWidth(), film.getHeight(), null);
      g.dispose();
      pictures.add(
          new Picture(name + " mirrored", "other", save(name + "-mirrored.png", mirrored)));
    }
    Path broken = Files.writeString(folder.resolve("broken.png"), "no film");
    pictures.add(new Picture("broken", "test", broken));
    NearDuplicates.Pictures found = NearDuplicates.pictures(pictures, 0.9, Progress.NONE);
    assertThat(found.rejected()).singleElement().asString().contains("broken.png");
    assertThat(found.pairs()).hasSizeGreaterThanOrEqualTo(6);
    for (Pair pair : found.pairs()) {
      assertThat(name(pair.second())).isEqualTo(name(pair.first()));
      assertThat(pair.second()).doesNotContain("mirrored");
    }
    assertThat(NearDuplicates.pictures(pictures, 0.9, Progress.NONE)).isEqualTo(found);
  }

  @Test
  void filmsOfDifferentPatientsAreNoDuplicates() {
    NihDataSet set = NihDataSet.read(TestData.assumeRadiographs().resolve("nih14"));
    List<Picture> pictures =
        set.films().stream()
            .map(film -> new Picture(film.image(), "patient " + film.patient(), film.file()))
            .toList();
    NearDuplicates.Pictures found = NearDuplicates.pictures(pictures, 0.9, Progress.NONE);
    System.out.println("near-duplicates of nih14 across patients: " + found.pairs());
    assertThat(found.rejected()).isEmpty();
    assertThat(found.pairs()).isEmpty();
  }

  @Test
  void aThresholdThatFindsEverythingIsRefused() {
    assertThatThrownBy(() -> NearDuplicates.texts(List.of(), 0.1))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("0.5 to 1");
    assertThat(NearDuplicates.texts(List.of(), 0.8)).isEmpty();
    assertThat(NearDuplicates.pictures(List.of(), 0.9, Progress.NONE).pairs()).isEmpty();
  }

  private static String name(String id) {
    return id.split(" ", -1)[0];
  }

  // An independent Jaccard similarity, computed on the words.
  private static double jaccard(Set<List<String>> a, Set<List<String>> b) {
    long both = a.stream().filter(b::contains).count();
    return (double) both / (a.size() + b.size() - both);
  }

  private static Set<List<String>> triples(String text) {
    String plain = text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", " ").strip();
    List<String> words = List.of(plain.split(" ", -1));
    var triples = new HashSet<List<String>>();
    for (int i = 0; i + 3 <= words.size(); i++) {
      triples.add(words.subList(i, i + 3));
    }
    return triples;
  }

  private static BufferedImage scaled(BufferedImage film, int width, int height) {
    var small = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    Graphics2D g = small.createGraphics();
    g.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    g.drawImage(film, 0, 0, width, height, null);
    g.dispose();
    return small;
  }

  private Path save(String name, BufferedImage image) throws IOException {
    Path file = folder.resolve(name);
    ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file.toFile());
    return file;
  }
}
