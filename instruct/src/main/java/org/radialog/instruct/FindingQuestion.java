package org.radialog.instruct;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.View;

/** Whether one finding is there. */
final class FindingQuestion implements DialogTask {
  static final String NAME = "finding";

  /** What needs a frontal film: the width of the heart, and air in front of or behind the lung. */
  private static final Set<Finding> FRONTAL =
      EnumSet.of(Finding.CARDIOMEGALY, Finding.PNEUMOTHORAX);

  private static final double PUBLISHED_YES = 0.6; // its comment says 50 %

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean ofReport() {
    return false;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    if (!how.switches().balanced()) {
      return asPublished(about, how);
    }
    if (how.finding().isEmpty()) {
      return Optional.empty();
    }
    Finding finding = how.finding().get();
    return verdict(about, finding, how.switches()).map(verdict -> request(how, finding, verdict));
  }

  /**
   * What is true of a finding, if the case knows it; what is left open counts as absent or is none,
   * as the switch has it.
   */
  static Optional<Verdict> verdict(Case about, Finding finding, Switches switches) {
    if (switches.views() && about.view() == View.LATERAL && FRONTAL.contains(finding)) {
      return Optional.of(Verdict.NOT_VISIBLE);
    }
    if (about.present().contains(finding)) {
      return Optional.of(Verdict.YES);
    }
    if (about.state(finding) == FindingState.UNCERTAIN) {
      return Optional.of(switches.uncertain() ? Verdict.UNCERTAIN : Verdict.NO);
    }
    return about.absent().contains(finding) ? Optional.of(Verdict.NO) : Optional.empty();
  }

  // As the original draws: yes with its probability, and no for any label that is not positive.
  private static Optional<Request> asPublished(Case about, Asking how) {
    Set<Finding> present = about.present();
    boolean yes = !present.isEmpty() && how.random().nextDouble() < PUBLISHED_YES;
    var others = EnumSet.allOf(Finding.class);
    others.remove(Finding.NO_FINDING);
    others.removeAll(about.in(FindingState.PRESENT));
    if (!yes && others.isEmpty()) {
      return Optional.empty();
    }
    Finding finding = how.pick(yes ? present : others);
    return Optional.of(request(how, finding, yes ? Verdict.YES : Verdict.NO));
  }

  private static Request request(Asking how, Finding finding, Verdict verdict) {
    boolean film = !how.afterReport() && how.prompts().containsKey("finding.film");
    String wording = how.prompt(film ? "finding.film" : NAME);
    String text =
        wording
            .replace("<X>", finding.label())
            .replace("<a x>", ReportGrammar.withArticle(finding))
            .replace("<x>", ReportGrammar.name(finding));
    return Request.of(
            text, how.switches().sentences() ? sentence(how, finding, verdict) : word(verdict))
        .about(finding, verdict);
  }

  private static String word(Verdict verdict) {
    return switch (verdict) {
      case YES -> "yes";
      case NO -> "no";
      case UNCERTAIN -> "possibly";
      case NOT_VISIBLE -> "not visible on this view";
    };
  }

  private static String sentence(Asking how, Finding finding, Verdict verdict) {
    String name = ReportGrammar.name(finding);
    String one = ReportGrammar.withArticle(finding);
    boolean many = finding == Finding.SUPPORT_DEVICES;
    return switch (verdict) {
      case YES ->
          how.pick(
              many
                  ? List.of("Yes, support devices are in place.")
                  : List.of("Yes, there is " + one + ".", "Yes, " + one + " is present."));
      case NO ->
          how.pick(
              many
                  ? List.of("No, there are no support devices.")
                  : List.of("No, there is no " + name + ".", "No, " + one + " is not seen."));
      case UNCERTAIN ->
          how.pick(
              List.of(
                  "Possibly: there may be " + one + ".",
                  "It is uncertain: there is possible " + name + "."));
      case NOT_VISIBLE ->
          "That cannot be seen on this view: " + one + " is judged on a frontal film.";
    };
  }
}
