package org.radialog.instruct;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;

/** Whether a region of the chest is healthy, or has something abnormal. */
final class RegionQuestion implements DialogTask {
  private enum Region {
    HEART,
    LUNGS,
    PLEURA,
    BONES,
    MEDIASTINUM
  }

  @Override
  public String name() {
    return "region";
  }

  @Override
  public boolean ofReport() {
    return false;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    // As often as it has wordings, so that each is drawn alike.
    var keys = new ArrayList<String>();
    new TreeMap<>(how.prompts())
        .forEach((key, wordings) -> {
          if (key.startsWith("region.")) {
            keys.addAll(Collections.nCopies(wordings.size(), key));
          }
        });
    String key = how.pick(keys);
    String prompt = how.prompt(key);
    if (!about.synthetic()) {
      return about.report().isEmpty()
          ? Optional.empty()
          : Optional.of(Request.of(prompt, DialogTask.ofReport(about, prompt)));
    }
    String[] parts = key.split("\\.", -1);
    Region region = Region.valueOf(parts[1].toUpperCase(Locale.ROOT));
    boolean asksForHealth = parts[2].equals("healthy");
    return Optional.of(Request.of(prompt, answer(about, how, region, asksForHealth)));
  }

  private static String answer(Case about, Asking how, Region region, boolean asksForHealth) {
    return switch (region) {
      case HEART ->
          how.switches().views() && about.view() == View.LATERAL
              ? "The size of the heart cannot be judged on a lateral view."
              : about.present().contains(Finding.CARDIOMEGALY)
                  ? (asksForHealth ? "No, there is cardiomegaly." : "Yes, there is cardiomegaly.")
                  : (asksForHealth ? "As far as its size goes, yes: " : "No: ")
                      + "the heart is not enlarged. Nothing else of the heart was assessed.";
      case LUNGS ->
          findings(
              about,
              ReportGrammar.Region.LUNGS,
              asksForHealth,
              "No abnormality of the lungs is seen.",
              how);
      case PLEURA ->
          findings(
              about,
              ReportGrammar.Region.PLEURA,
              asksForHealth,
              "No abnormality of the pleura is seen.",
              how);
      case BONES -> "I cannot say: the bones were not assessed.";
      case MEDIASTINUM -> "I cannot say: the mediastinum was not assessed.";
    };
  }

  private static String findings(
      Case about, ReportGrammar.Region region, boolean asksForHealth, String none, Asking how) {
    Set<Finding> there = EnumSet.copyOf(region.findings());
    there.retainAll(ReportGrammar.stated(about.present()));
    if (there.isEmpty()) {
      return (asksForHealth ? "Yes. " : "No. ") + none;
    }
    String first = asksForHealth ? "No, there is " : "Yes, there is ";
    String answer = first + ReportGrammar.listWithArticles(there) + ".";
    Finding one = how.pick(there);
    return answer
        + about
            .place(one)
            .map(place -> " The " + ReportGrammar.name(one) + " is " + place.words() + ".")
            .orElse("");
  }
}
