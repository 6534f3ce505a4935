package org.radialog.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.radialog.data.CsvTable;
import org.radialog.data.NihDataSet;
import org.radialog.data.RadiologistRead;
import org.radialog.loop.RunFolder;
import tools.jackson.databind.JsonNode;

/**
 * Whose films and labels a model was trained on.
 *
 * @param nih whether the films with folds are those of the NIH
 * @param radiologists whether radiologists' classes of the RSNA challenge were used
 * @param further names of the folders with further films
 * @param others those of them that are not known to hold films of the NIH
 */
record Sources(boolean nih, boolean radiologists, List<String> further, List<String> others) {
  private static final String NIH =
      """
      Trained on radiographs of NIH ChestX-ray14, provided by the NIH Clinical Center without restriction
      on use (https://nihcc.app.box.com/v/ChestXray-NIHCC): X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri,
      R. M. Summers, "ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks on Weakly-Supervised
      Classification and Localization of Common Thorax Diseases", IEEE CVPR 2017, pp. 3462-3471.
      """;

  private static final String RSNA =
      """
      Radiologists' classes of NIH films are from the RSNA Pneumonia Detection Challenge 2018, by the
      Radiological Society of North America (RSNA), the Society of Thoracic Radiology (STR) and the NIH, for
      academic research and education, and other commercial or non-commercial purposes with attribution:
      G. Shih, C. C. Wu, S. S. Halabi et al., "Augmenting the National Institutes of Health Chest Radiograph
      Dataset with Expert Annotations of Possible Pneumonia", Radiology: Artificial Intelligence
      2019;1(1):e180041, and Wang et al. 2017 as above.
      """;

  private static final String OWN_FILMS =
      """
      Trained on radiographs that are not the program's; whoever trained it knows their terms of use.
      """;

  Sources {
    further = List.copyOf(further);
    others = List.copyOf(others);
  }

  /**
   * The sources of the exported classifier and of the runs from which it started.
   *
   * @param data the films with folds
   * @return what is known; a folder with further films that has been removed is one of the others
   */
  static Sources of(ExportConfig config, RadiologistRead data) {
    Set<String> further = new LinkedHashSet<>();
    Set<String> others = new LinkedHashSet<>();
    boolean radiologists = !data.classes().isEmpty();
    for (JsonNode kept : config.classifierConfigs()) {
      for (Path folder : RunFolder.paths(kept, "further")) {
        String name = String.valueOf(folder.getFileName());
        further.add(name);
        if (Files.exists(NihDataSet.table(folder))) {
          CsvTable table = CsvTable.of(NihDataSet.table(folder));
          radiologists |= table.has("rsna_class");
          if (!table.has("nih_labels")) {
            others.add(name);
          }
        } else {
          others.add(name);
        }
      }
    }
    return new Sources(
        config.folds().isEmpty(), radiologists, List.copyOf(further), List.copyOf(others));
  }

  /** What the terms of the sources ask for. */
  String notice() {
    List<String> parts = new ArrayList<>();
    parts.add(nih ? NIH : OWN_FILMS);
    if (nih && radiologists) {
      parts.add(RSNA);
    }
    if (!others.isEmpty()) {
      parts.add(
          "Trained on further radiographs in %s, too; whoever trained it knows their terms of use.\n"
              .formatted(String.join(", ", others)));
    }
    return String.join("", parts);
  }
}
