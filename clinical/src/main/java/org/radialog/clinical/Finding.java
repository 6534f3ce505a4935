package org.radialog.clinical;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The 14 labels of CheXpert, in the order that RaDialog uses everywhere ({@code chexpert_cols}):
 * the ordinal is the column in the output of a classifier.
 */
public enum Finding {
  NO_FINDING(0, "No Finding"),
  ENLARGED_CARDIOMEDIASTINUM(1, "Enlarged Cardiomediastinum"),
  CARDIOMEGALY(2, "Cardiomegaly"),
  LUNG_OPACITY(3, "Lung Opacity"),
  LUNG_LESION(4, "Lung Lesion"),
  EDEMA(5, "Edema"),
  CONSOLIDATION(6, "Consolidation"),
  PNEUMONIA(7, "Pneumonia"),
  ATELECTASIS(8, "Atelectasis"),
  PNEUMOTHORAX(9, "Pneumothorax"),
  PLEURAL_EFFUSION(10, "Pleural Effusion"),
  PLEURAL_OTHER(11, "Pleural Other"),
  FRACTURE(12, "Fracture"),
  SUPPORT_DEVICES(13, "Support Devices");

  /** Number of labels. */
  public static final int COUNT = 14;

  /** All labels in column order. */
  public static final List<Finding> ALL = List.of(values());

  /**
   * The ten pathologies that the labels of NIH ChestX-ray14 map to, in column order. It excludes No
   * Finding, which follows from the others, and the three labels that NIH does not have.
   */
  public static final Set<Finding> NIH_MAPPED =
      Collections.unmodifiableSet(
          EnumSet.of(
              CARDIOMEGALY,
              LUNG_OPACITY,
              LUNG_LESION,
              EDEMA,
              CONSOLIDATION,
              PNEUMONIA,
              ATELECTASIS,
              PNEUMOTHORAX,
              PLEURAL_EFFUSION,
              PLEURAL_OTHER));

  private final int column;
  private final String label;

  Finding(int column, String label) {
    this.column = column;
    this.label = label;
  }

  /** The name as in CheXpert, for example {@code Pleural Effusion}. */
  public String label() {
    return label;
  }

  /** The column, from 0 to 13, in the output of a classifier and in every table. */
  public int column() {
    return column;
  }

  /**
   * The parent in CheXpert's label hierarchy (Irvin et al. 2019, figure 1): if the child is
   * present, so is the parent.
   */
  public Optional<Finding> parent() {
    return ancestors().stream().findFirst();
  }

  /** The parent, its parent and so on. */
  public List<Finding> ancestors() {
    return switch (this) {
      case CARDIOMEGALY -> List.of(ENLARGED_CARDIOMEDIASTINUM);
      case LUNG_LESION, EDEMA, CONSOLIDATION, ATELECTASIS -> List.of(LUNG_OPACITY);
      case PNEUMONIA -> List.of(CONSOLIDATION, LUNG_OPACITY);
      case NO_FINDING,
          ENLARGED_CARDIOMEDIASTINUM,
          LUNG_OPACITY,
          PNEUMOTHORAX,
          PLEURAL_EFFUSION,
          PLEURAL_OTHER,
          FRACTURE,
          SUPPORT_DEVICES ->
          List.of();
    };
  }

  /**
   * The finding with this name, ignoring case, with spaces, hyphens or underscores between words.
   *
   * @throws RadialogException if there is none; the message names the most similar label
   */
  public static Finding of(String name) {
    String wanted = plain(name);
    Finding nearest = NO_FINDING;
    int distance = Integer.MAX_VALUE;
    for (Finding finding : ALL) {
      String label = plain(finding.label);
      if (label.equals(wanted)) {
        return finding;
      }
      int d = editDistance(label, wanted);
      if (d < distance) {
        distance = d;
        nearest = finding;
      }
    }
    throw new RadialogException(
        Kind.BAD_INPUT,
        "unknown finding \"%s\": expected one of the 14 CheXpert labels; the nearest is \"%s\""
            .formatted(Printable.of(name), nearest.label));
  }

  /**
   * The finding for a name typed by a user: its label, as in {@link #of}, or an unambiguous short
   * name, for example {@code effusion} or {@code PTX}, also in the plural.
   *
   * @throws RadialogException if there is none; the message lists the 14 labels
   */
  public static Finding named(String name) {
    String wanted = plain(name);
    for (Finding finding : ALL) {
      if (singular(plain(finding.label)).equals(singular(wanted))
          || finding.shortNames().contains(wanted)
          || finding.shortNames().contains(singular(wanted))) {
        return finding;
      }
    }
    throw new RadialogException(
        Kind.BAD_INPUT,
        "unknown finding \"%s\": expected one of %s"
            .formatted(
                Printable.of(name),
                ALL.stream().map(Finding::label).collect(Collectors.joining(", "))));
  }

  private static String singular(String name) {
    return name.endsWith("s") && !name.endsWith("is") ? name.substring(0, name.length() - 1) : name;
  }

  // Common abbreviations, each for exactly one finding: "PE" also means an embolism, and a collapse
  // of the lung can mean two different things.
  private Set<String> shortNames() {
    return switch (this) {
      case NO_FINDING -> Set.of("normal");
      case ENLARGED_CARDIOMEDIASTINUM ->
          Set.of(
              "enlarged mediastinum",
              "widened mediastinum",
              "mediastinal widening",
              "cardiomediastinum");
      case CARDIOMEGALY -> Set.of("enlarged heart", "cardiac enlargement", "heart enlargement");
      case LUNG_OPACITY ->
          Set.of(
              "opacity",
              "opacities",
              "lung opacities",
              "pulmonary opacity",
              "pulmonary opacities",
              "airspace opacity",
              "airspace opacities",
              "opacification",
              "infiltrate",
              "infiltration");
      case LUNG_LESION ->
          Set.of(
              "lesion",
              "nodule",
              "mass",
              "masses",
              "pulmonary lesion",
              "lung nodule",
              "pulmonary nodule",
              "lung mass",
              "pulmonary mass");
      case EDEMA ->
          Set.of("oedema", "pulmonary edema", "pulmonary oedema", "lung edema", "lung oedema");
      case CONSOLIDATION -> Set.of("lung consolidation", "airspace consolidation");
      case PNEUMONIA -> Set.of("pna");
      case ATELECTASIS -> Set.of("atelectases");
      case PNEUMOTHORAX -> Set.of("ptx", "pneumothoraces");
      case PLEURAL_EFFUSION -> Set.of("effusion", "pleural fluid");
      case PLEURAL_OTHER ->
          Set.of("other pleural", "pleural thickening", "pleural plaque", "pleural scarring");
      case FRACTURE -> Set.of("fx", "rib fracture", "broken rib");
      case SUPPORT_DEVICES -> Set.of("device", "lines and tubes", "tubes and lines");
    };
  }

  private static String plain(String name) {
    return name.strip().toLowerCase(Locale.ROOT).replaceAll("[\\s_-]+", " ");
  }

  private static int editDistance(String a, String full) {
    // A name from outside may have any length; names longer than this are not similar to any label.
    String b = full.length() > 100 ? full.substring(0, 100) : full;
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
