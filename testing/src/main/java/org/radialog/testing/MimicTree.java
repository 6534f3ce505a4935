package org.radialog.testing;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;

/**
 * A made-up data set in the layout of MIMIC-CXR-JPG, with reports beside the images and CheXbert's
 * labels in a table: nobody's films and nobody's reports. Every other study has a lateral view.
 *
 * @param folder the tables, and {@code files/p10/…} with images and reports
 * @param chexbert labels by {@code dicom_id}, as {@code finding_chexbert_labels.csv}
 */
public record MimicTree(Path folder, Path chexbert) {
  private static final int SIDE = 160; // pixels of an image

  /** What a report may say: a sentence, and the label with its value. */
  private record Saying(String sentence, String label, String value) {}

  private static final List<Saying> SAYINGS =
      List.of(
          new Saying("There is a small left pleural effusion.", "Pleural Effusion", "1.0"),
          new Saying("The heart is enlarged.", "Cardiomegaly", "1.0"),
          new Saying("There is patchy right lower lobe atelectasis.", "Atelectasis", "1.0"),
          new Saying("There is mild pulmonary edema.", "Edema", "1.0"),
          new Saying("Possible pneumonia in the right upper lobe.", "Pneumonia", "-1.0"),
          new Saying("A right apical pneumothorax is present.", "Pneumothorax", "1.0"));

  private static final List<Saying> DENIALS =
      List.of(
          new Saying("There is no pleural effusion.", "Pleural Effusion", "0.0"),
          new Saying("Heart size is normal.", "Cardiomegaly", "0.0"),
          new Saying("", "Atelectasis", ""),
          new Saying("There is no pulmonary edema.", "Edema", "0.0"),
          new Saying("There is no evidence of pneumonia.", "Pneumonia", "0.0"),
          new Saying("There is no pneumothorax.", "Pneumothorax", "0.0"));

  /**
   * Writes one.
   *
   * @param studies how many, a tenth each of validation and test
   */
  public static MimicTree write(Path folder, int studies) throws IOException {
    var random = new Random(7);
    List<byte[]> pictures = List.of(picture(random), picture(random), picture(random));
    var splits = new StringBuilder("dicom_id,study_id,subject_id,split\n");
    var metadata = new StringBuilder("dicom_id,subject_id,study_id,ViewPosition\n");
    var labels = new StringBuilder("dicom_id,No Finding");
    SAYINGS.forEach(saying -> labels.append(',').append(saying.label()));
    labels.append('\n');
    for (int i = 0; i < studies; i++) {
      long study = 50_000_000L + i;
      long subject = 10_000_000L + i / 2;
      String split = i % 10 == 8 ? "validate" : i % 10 == 9 ? "test" : "train";
      Map<String, String> row = new LinkedHashMap<>();
      List<String> sentences = new ArrayList<>();
      boolean normal = true;
      for (int s = 0; s < SAYINGS.size(); s++) {
        Saying said = (random.nextInt(4) == 0 ? SAYINGS : DENIALS).get(s);
        if (said.value().equals("-1.0") && i % 3 == 0) {
          said = new Saying("Pneumonia in the right upper lobe.", said.label(), "1.0");
        }
        normal &= !said.value().contains("1");
        row.put(said.label(), said.value());
        if (!said.sentence().isEmpty()) {
          sentences.add(said.sentence());
        }
      }
      if (i % 5 == 0) {
        sentences.add("This is unchanged from the prior study.");
      }
      Path patient = folder.resolve("files/p10/p" + subject);
      Files.createDirectories(patient.resolve("s" + study));
      Files.writeString(
          patient.resolve("s" + study + ".txt"),
          report(sentences, normal ? "No acute disease." : "Abnormal, as described."));
      for (String view : i % 2 == 0 ? List.of("PA", "LL") : List.of("AP")) {
        String image = "%08x-%s".formatted(study, view);
        splits.append("%s,%d,%d,%s%n".formatted(image, study, subject, split));
        metadata.append("%s,%d,%d,%s%n".formatted(image, subject, study, view));
        labels.append(image).append(',').append(normal ? "1.0" : "");
        row.values().forEach(value -> labels.append(',').append(value));
        labels.append('\n');
        Files.write(
            patient.resolve("s" + study).resolve(image + ".jpg"),
            pictures.get(i % pictures.size()));
      }
    }
    Files.writeString(folder.resolve("mimic-cxr-2.0.0-split.csv"), splits);
    Files.writeString(folder.resolve("mimic-cxr-2.0.0-metadata.csv"), metadata);
    Path chexbert = folder.resolve("finding_chexbert_labels.csv");
    Files.writeString(chexbert, labels, StandardCharsets.UTF_8);
    return new MimicTree(folder, chexbert);
  }

  private static String report(List<String> sentences, String impression) {
    return """
                                     FINAL REPORT
     INDICATION:  Cough.
    \s
     FINDINGS:\s
    \s
     %s
    \s
     IMPRESSION:\s
    \s
     %s
    """
        .formatted(String.join("\n ", sentences), impression);
  }

  // Two dark lungs between a bright middle and bright edges, each a little different.
  private static byte[] picture(Random random) throws IOException {
    var image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_BYTE_GRAY);
    int dark = 40 + random.nextInt(40);
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        double u = Math.abs(x - SIDE / 2.0) / SIDE;
        boolean lung = u > 0.08 && u < 0.4 && y > SIDE / 8 && y < SIDE * 3 / 4;
        image.getRaster().setSample(x, y, 0, lung ? dark + random.nextInt(20) : 190);
      }
    }
    var out = new ByteArrayOutputStream();
    ImageIO.write(image, "jpg", out);
    return out.toByteArray();
  }
}
