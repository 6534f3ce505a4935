package org.radialog.data;

import java.util.Map;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;

/** The labels of NIH ChestX-ray14 in the words of CheXpert. */
final class NihLabels {
  private static final Map<String, Optional<Finding>> MAPPING =
      Map.ofEntries(
          Map.entry("Cardiomegaly", Optional.of(Finding.CARDIOMEGALY)),
          Map.entry("Infiltration", Optional.of(Finding.LUNG_OPACITY)),
          Map.entry("Mass", Optional.of(Finding.LUNG_LESION)),
          Map.entry("Nodule", Optional.of(Finding.LUNG_LESION)),
          Map.entry("Edema", Optional.of(Finding.EDEMA)),
          Map.entry("Consolidation", Optional.of(Finding.CONSOLIDATION)),
          Map.entry("Pneumonia", Optional.of(Finding.PNEUMONIA)),
          Map.entry("Atelectasis", Optional.of(Finding.ATELECTASIS)),
          Map.entry("Pneumothorax", Optional.of(Finding.PNEUMOTHORAX)),
          Map.entry("Effusion", Optional.of(Finding.PLEURAL_EFFUSION)),
          Map.entry("Pleural_Thickening", Optional.of(Finding.PLEURAL_OTHER)),
          Map.entry("No Finding", Optional.of(Finding.NO_FINDING)),
          Map.entry("Emphysema", Optional.empty()),
          Map.entry("Fibrosis", Optional.empty()),
          Map.entry("Hernia", Optional.empty()));

  private NihLabels() {}

  /**
   * The CheXpert label of an NIH label, if it has one.
   *
   * @throws RadialogException if it is not a label of the NIH
   */
  static Optional<Finding> finding(String label) {
    Optional<Finding> finding = MAPPING.get(label.strip());
    if (finding == null) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "unknown label \"%s\": expected one of %s"
              .formatted(label, MAPPING.keySet().stream().sorted().toList()));
    }
    return finding;
  }
}
