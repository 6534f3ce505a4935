package org.radialog.instruct;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

/** What speaks for a diagnosis. */
final class Reasoning implements DialogTask {
  /** The diagnoses that MIMIC-NLE explains, in its order. */
  static final List<Finding> DIAGNOSES_OF_NLE =
      List.of(
          Finding.ATELECTASIS,
          Finding.CONSOLIDATION,
          Finding.EDEMA,
          Finding.ENLARGED_CARDIOMEDIASTINUM,
          Finding.LUNG_LESION,
          Finding.LUNG_OPACITY,
          Finding.PLEURAL_EFFUSION,
          Finding.PLEURAL_OTHER,
          Finding.PNEUMONIA,
          Finding.PNEUMOTHORAX);

  private static final Set<Finding> DIAGNOSES = EnumSet.copyOf(DIAGNOSES_OF_NLE);

  @Override
  public String name() {
    return "reasoning";
  }

  @Override
  public boolean ofReport() {
    return true;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    if (about.explained().isPresent()) {
      Case.Explanation explanation = about.explained().get();
      String prompt = how.prompt(name()).replace("<X>", DialogTask.labels(explanation.of()));
      return Optional.of(Request.of(prompt, explanation.text()));
    }
    Set<Finding> present = DialogTask.among(about, FindingState.PRESENT, DIAGNOSES);
    if (about.synthetic() && about.present().contains(Finding.CARDIOMEGALY)) {
      present.add(Finding.CARDIOMEGALY);
    }
    if (present.isEmpty() || about.report().isEmpty()) {
      return Optional.empty();
    }
    Finding finding = how.pick(present);
    String prompt = how.prompt(name()).replace("<X>", ReportGrammar.name(finding));
    return Optional.of(
        about.synthetic()
            ? Request.of(prompt, reason(about, finding, how))
            : Request.of(prompt, DialogTask.ofReport(about, prompt)));
  }

  // What the word means, where it was marked, and which other findings go with it: no label tells
  // what the reader saw.
  private static String reason(Case about, Finding finding, Asking how) {
    var answer = new StringBuilder(how.pick(sign(finding)));
    about
        .place(finding)
        .ifPresent(place ->
            answer
                .append(" A radiologist marked the ")
                .append(ReportGrammar.name(finding))
                .append(' ')
                .append(place.words())
                .append('.'));
    var companions = EnumSet.noneOf(Finding.class);
    companions.addAll(companions(finding));
    companions.retainAll(about.present());
    if (!companions.isEmpty()) {
      answer
          .append(" The report also states ")
          .append(ReportGrammar.listWithArticles(companions))
          .append(", which often ")
          .append(companions.size() == 1 ? "goes" : "go")
          .append(" with it.");
    }
    if (how.random().nextInt(2) == 0) {
      answer.append(" Its size and severity were not assessed.");
    }
    return answer.toString();
  }

  private static Set<Finding> companions(Finding finding) {
    return switch (finding) {
      case CARDIOMEGALY -> EnumSet.of(Finding.EDEMA, Finding.PLEURAL_EFFUSION);
      case EDEMA -> EnumSet.of(Finding.CARDIOMEGALY, Finding.PLEURAL_EFFUSION);
      case CONSOLIDATION -> EnumSet.of(Finding.PNEUMONIA);
      case PNEUMONIA -> EnumSet.of(Finding.CONSOLIDATION);
      case ATELECTASIS -> EnumSet.of(Finding.PLEURAL_EFFUSION);
      case PLEURAL_EFFUSION -> EnumSet.of(Finding.CARDIOMEGALY, Finding.ATELECTASIS);
      // What else may be stated there is an opacity itself, and no companion of one.
      case NO_FINDING,
          ENLARGED_CARDIOMEDIASTINUM,
          LUNG_OPACITY,
          LUNG_LESION,
          PNEUMOTHORAX,
          PLEURAL_OTHER,
          FRACTURE,
          SUPPORT_DEVICES ->
          EnumSet.noneOf(Finding.class);
    };
  }

  private static List<String> sign(Finding finding) {
    return switch (finding) {
      case CARDIOMEGALY ->
          List.of(
              "The cardiac silhouette is enlarged, which is called cardiomegaly.",
              "The heart is too wide for the chest: cardiomegaly.");
      case LUNG_OPACITY ->
          List.of(
              "An area of lung is whiter than aerated lung, which is called a lung opacity.",
              "Part of the lung is not as dark as lung full of air: lung opacity.");
      case LUNG_LESION ->
          List.of(
              "A circumscribed density stands out from the lung, which is called a lung lesion.",
              "There is a circumscribed density in the lung: a lung lesion, a nodule or a mass.");
      case EDEMA ->
          List.of(
              "There is fluid in the tissue of the lungs, which is called pulmonary edema.",
              "The lungs look as they do with fluid in their tissue: pulmonary edema.");
      case CONSOLIDATION ->
          List.of(
              "The air of a part of the lung is replaced, which is called consolidation.",
              "A part of the lung is as dense as soft tissue, its air replaced: consolidation.");
      case PNEUMONIA ->
          List.of(
              "The density of the lung is read as an infection, which is called pneumonia.",
              "The shadow in the lung is read as infectious: pneumonia.");
      case ATELECTASIS ->
          List.of(
              "A part of the lung has lost volume, which is called atelectasis.",
              "There is loss of volume of a part of the lung: atelectasis.");
      case PNEUMOTHORAX ->
          List.of(
              "There is air between lung and chest wall, which is called a pneumothorax.",
              "Air separates the lung from the chest wall: a pneumothorax.");
      case PLEURAL_EFFUSION ->
          List.of(
              "There is fluid in the pleural space, which is called a pleural effusion.",
              "Fluid is seen in the pleural space: a pleural effusion.");
      case PLEURAL_OTHER ->
          List.of(
              "The pleural line is too thick, which is called pleural thickening.",
              "The pleura is wider than a thin line: pleural thickening.");
      case NO_FINDING, ENLARGED_CARDIOMEDIASTINUM, FRACTURE, SUPPORT_DEVICES -> List.of();
    };
  }
}
