package org.radialog.instruct;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.radialog.clinical.Finding;

/** The report in words for somebody without medical knowledge. */
final class EasyLanguage implements DialogTask {
  @Override
  public String name() {
    return "easy_language";
  }

  @Override
  public boolean ofReport() {
    return true;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    if (about.report().isEmpty()) {
      return Optional.empty();
    }
    String prompt = how.prompt(name());
    return Optional.of(
        about.synthetic()
            ? Request.of(prompt, inPlainWords(about, how))
            : Request.of(prompt, DialogTask.ofReport(about, prompt)));
  }

  private static String inPlainWords(Case about, Asking how) {
    var sentences = new ArrayList<String>();
    Set<Finding> present = ReportGrammar.stated(about.present());
    if (present.isEmpty()) {
      sentences.add(
          how.pick(
              List.of(
                  "The picture of your chest shows nothing abnormal.",
                  "Nothing abnormal can be seen on the picture of your chest.")));
    }
    for (Finding finding : present) {
      String said = how.pick(plain(finding));
      sentences.add(said);
      about.place(finding).ifPresent(place -> sentences.add(where(place)));
    }
    Set<Finding> absent = ReportGrammar.denied(present);
    List<String> none =
        absent.stream()
            .filter(finding -> !name(finding).isEmpty())
            .map(EasyLanguage::name)
            .toList();
    sentences.add("There is no sign of " + ReportGrammar.join(none, "or") + ".");
    if (absent.contains(Finding.CARDIOMEGALY)) {
      sentences.add(how.pick(List.of("The heart has a normal size.", "The heart is not too big.")));
    }
    sentences.add(
        how.pick(
            List.of(
                "Only the heart, the lungs and the lining around the lungs were looked at.",
                "The report speaks of the heart, the lungs and the lining around them, and of"
                    + " nothing else.")));
    return String.join(" ", sentences);
  }

  private static String where(Case.Place place) {
    return switch (place.side()) {
      case LEFT -> "It is on your left side.";
      case RIGHT -> "It is on your right side.";
      case BOTH -> "It is on both sides.";
    };
  }

  /** A finding among those that are not there; empty where a sentence of its own says so. */
  private static String name(Finding finding) {
    return switch (finding) {
      case LUNG_LESION -> "a spot in the lungs";
      case EDEMA -> "water in the lungs";
      case PNEUMONIA -> "pneumonia";
      case PNEUMOTHORAX -> "air between the lungs and the chest wall";
      case PLEURAL_EFFUSION -> "fluid around the lungs";
      case NO_FINDING,
          ENLARGED_CARDIOMEDIASTINUM,
          CARDIOMEGALY,
          LUNG_OPACITY,
          CONSOLIDATION,
          ATELECTASIS,
          PLEURAL_OTHER,
          FRACTURE,
          SUPPORT_DEVICES ->
          "";
    };
  }

  private static List<String> plain(Finding finding) {
    return switch (finding) {
      case CARDIOMEGALY ->
          List.of("The heart is larger than usual.", "The heart looks bigger than it should.");
      case LUNG_OPACITY ->
          List.of(
              "Something in the lungs looks whiter than it should.",
              "There is a hazy white area in the lungs.");
      case LUNG_LESION ->
          List.of(
              "There is a spot in the lungs, called a nodule or a mass.",
              "A spot can be seen in the lungs (doctors say nodule or mass).");
      case EDEMA ->
          List.of(
              "There is too much water in the lungs (pulmonary edema).",
              "The lungs hold more water than they should (pulmonary edema).");
      case CONSOLIDATION ->
          List.of(
              "A part of the lungs is filled with something other than air (consolidation).",
              "In a part of the lungs there is something other than air (consolidation).");
      case PNEUMONIA ->
          List.of(
              "The picture fits an infection of the lungs (pneumonia).",
              "The lungs look as they do in an infection (pneumonia).");
      case ATELECTASIS ->
          List.of(
              "A part of the lungs is not fully filled with air (atelectasis).",
              "A part of the lungs has collapsed (atelectasis).");
      case PNEUMOTHORAX ->
          List.of(
              "There is air between the lung and the chest wall (pneumothorax).",
              "Air has come between the lung and the chest wall (pneumothorax).");
      case PLEURAL_EFFUSION ->
          List.of(
              "There is fluid around the lungs (pleural effusion).",
              "Fluid has gathered around the lungs (pleural effusion).");
      case PLEURAL_OTHER ->
          List.of(
              "The thin lining around the lungs is thicker than usual (pleural thickening).",
              "The lining around the lungs is too thick (pleural thickening).");
      case NO_FINDING, ENLARGED_CARDIOMEDIASTINUM, FRACTURE, SUPPORT_DEVICES -> List.of();
    };
  }
}
