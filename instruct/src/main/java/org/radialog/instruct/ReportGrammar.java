package org.radialog.instruct;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingWords;
import org.radialog.clinical.View;

/**
 * Writes reports that state only what the labels and the view of a film contain: no side, size or
 * location, no age or sex, no device or fracture, no comparison.
 *
 * <p>The order is that of a reader's interest and of the findings in the prompt: the view; one
 * sentence per present finding, in column order; negations of the absent findings in small groups;
 * plain statements about heart, lungs and pleura that nothing contradicts; what the report covers.
 * From this order a greedy decoder learns to state what the list names; from sentences in free
 * order it learns to negate everything.
 *
 * <p>Each choice of words depends only on the seed and the position, not on the other choices. Two
 * reports with the same seed whose findings differ in one label therefore differ only in the
 * sentences about it: the second is the corrected first.
 */
public final class ReportGrammar {
  /** The findings that a report states or negates: the ten pathologies of the NIH labels. */
  public static final Set<Finding> FINDINGS = Finding.NIH_MAPPED;

  private static final Map<Finding, List<String>> STATEMENTS = new EnumMap<>(Finding.class);

  static {
    STATEMENTS.put(
        Finding.CARDIOMEGALY,
        List.of(
            "There is cardiomegaly.",
            "Cardiomegaly is present.",
            "The heart is enlarged, in keeping with cardiomegaly.",
            "The cardiac silhouette is enlarged, consistent with cardiomegaly."));
    STATEMENTS.put(
        Finding.LUNG_OPACITY,
        List.of(
            "There is lung opacity.",
            "Lung opacity is present.",
            "Lung opacity is seen, in keeping with an infiltrate.",
            "There is lung opacity consistent with an infiltrate."));
    STATEMENTS.put(
        Finding.LUNG_LESION,
        List.of(
            "There is a lung lesion.",
            "A lung lesion is present.",
            "A lung lesion is seen, in keeping with a nodule or mass.",
            "There is a lung lesion consistent with a nodule or mass."));
    STATEMENTS.put(
        Finding.EDEMA,
        List.of(
            "There is pulmonary edema.",
            "Pulmonary edema is present.",
            "The lungs show pulmonary edema.",
            "The appearance of the lungs is that of pulmonary edema."));
    STATEMENTS.put(
        Finding.CONSOLIDATION,
        List.of(
            "There is consolidation.",
            "Consolidation is present.",
            "Airspace consolidation is seen.",
            "There is consolidation of the lung parenchyma."));
    STATEMENTS.put(
        Finding.PNEUMONIA,
        List.of(
            "There is pneumonia.",
            "Pneumonia is present.",
            "The findings are consistent with pneumonia.",
            "The appearance is in keeping with pneumonia."));
    STATEMENTS.put(
        Finding.ATELECTASIS,
        List.of(
            "There is atelectasis.",
            "Atelectasis is present.",
            "Atelectasis is seen, with loss of lung volume.",
            "There is loss of lung volume from atelectasis."));
    STATEMENTS.put(
        Finding.PNEUMOTHORAX,
        List.of(
            "There is a pneumothorax.",
            "A pneumothorax is present.",
            "A pneumothorax is seen, with air in the pleural space.",
            "There is air in the pleural space from a pneumothorax."));
    STATEMENTS.put(
        Finding.PLEURAL_EFFUSION,
        List.of(
            "There is a pleural effusion.",
            "A pleural effusion is present.",
            "Fluid is seen in the pleural space, in keeping with a pleural effusion.",
            "There is fluid in the pleural space from a pleural effusion."));
    STATEMENTS.put(
        Finding.PLEURAL_OTHER,
        List.of(
            "There is pleural thickening.",
            "Pleural thickening is present.",
            "The pleura shows pleural thickening.",
            "The pleural margin shows pleural thickening."));
  }

  private static final List<String> NORMAL =
      List.of(
          "No abnormality is seen.",
          "The film shows no abnormality.",
          "The examination shows no abnormality.",
          "No abnormal finding is seen.");

  /**
   * Ways to divide the ten findings into groups for negations; the order within a group is fixed.
   */
  private static final List<List<List<Finding>>> GROUPS =
      List.of(
          List.of(
              List.of(Finding.PNEUMOTHORAX, Finding.PLEURAL_EFFUSION, Finding.PLEURAL_OTHER),
              List.of(Finding.CONSOLIDATION, Finding.PNEUMONIA, Finding.ATELECTASIS),
              List.of(Finding.LUNG_OPACITY, Finding.LUNG_LESION),
              List.of(Finding.EDEMA)),
          List.of(
              List.of(Finding.LUNG_OPACITY, Finding.CONSOLIDATION, Finding.PNEUMONIA),
              List.of(Finding.LUNG_LESION, Finding.ATELECTASIS),
              List.of(Finding.EDEMA),
              List.of(Finding.PLEURAL_EFFUSION, Finding.PNEUMOTHORAX),
              List.of(Finding.PLEURAL_OTHER)),
          List.of(
              List.of(Finding.EDEMA, Finding.CONSOLIDATION, Finding.PNEUMONIA),
              List.of(Finding.PLEURAL_EFFUSION, Finding.PNEUMOTHORAX),
              List.of(Finding.LUNG_OPACITY, Finding.LUNG_LESION),
              List.of(Finding.ATELECTASIS),
              List.of(Finding.PLEURAL_OTHER)),
          List.of(
              List.of(Finding.LUNG_LESION, Finding.LUNG_OPACITY),
              List.of(Finding.CONSOLIDATION, Finding.ATELECTASIS),
              List.of(Finding.PNEUMONIA, Finding.EDEMA),
              List.of(Finding.PNEUMOTHORAX, Finding.PLEURAL_EFFUSION, Finding.PLEURAL_OTHER)));

  private static final List<String> DENIALS =
      List.of(
          "There is no %s.",
          "No %s is seen.",
          "There is no evidence of %s.",
          "No %s is identified.",
          "The radiograph shows no %s.");

  private static final List<String> HEART =
      List.of(
          "The heart is not enlarged.",
          "The cardiac silhouette is normal.",
          "The cardiac silhouette is not enlarged.",
          "There is no cardiomegaly.");

  private static final List<String> LUNGS =
      List.of("The lungs are clear.", "The lungs are clear and well aerated.");

  private static final List<String> PLEURA =
      List.of("The pleural spaces are clear.", "The costophrenic angles are clear.");

  private static final List<String> SCOPE =
      List.of(
          "The heart, the lungs and the pleura were assessed on this film.",
          "Only the heart, the lungs and the pleura were assessed on this film.",
          "This assessment of the film covers the heart, the lungs and the pleura.");

  private static final Set<Finding> OPACITIES =
      EnumSet.of(
          Finding.LUNG_LESION,
          Finding.EDEMA,
          Finding.CONSOLIDATION,
          Finding.PNEUMONIA,
          Finding.ATELECTASIS);

  private ReportGrammar() {}

  /**
   * The report of a film.
   *
   * @param present the findings to state; findings outside {@link #FINDINGS} are left out: No
   *     Finding follows from an empty set, and the others cannot be expressed
   * @param seed determines the words
   */
  public static String report(Collection<Finding> present, View view, long seed) {
    return String.join(" ", sentences(present, view, seed));
  }

  /** The sentences of {@link #report}. */
  public static List<String> sentences(Collection<Finding> present, View view, long seed) {
    Set<Finding> stated = stated(present);
    var sentences = new ArrayList<String>();
    sentences.add(view(view, seed));
    for (Finding finding : stated) {
      sentences.add(statement(finding, seed));
    }
    if (stated.isEmpty()) {
      sentences.add(choose(NORMAL, seed, "normal"));
    }
    // Heart first or last, as radiologists differ.
    boolean heartFirst = number(seed, "heart first", 2) == 0;
    boolean heart = !stated.contains(Finding.CARDIOMEGALY);
    if (heart && heartFirst) {
      sentences.add(choose(HEART, seed, "heart"));
    }
    sentences.addAll(denials(stated, seed));
    if (heart && !heartFirst) {
      sentences.add(choose(HEART, seed, "heart"));
    }
    if (Collections.disjoint(stated, OPACITIES)
        && !stated.contains(Finding.LUNG_OPACITY)
        && number(seed, "say lungs", 3) > 0) {
      sentences.add(choose(LUNGS, seed, "lungs"));
    }
    if (!stated.contains(Finding.PLEURAL_EFFUSION)
        && !stated.contains(Finding.PLEURAL_OTHER)
        && !stated.contains(Finding.PNEUMOTHORAX)
        && number(seed, "say pleura", 3) > 0) {
      sentences.add(choose(PLEURA, seed, "pleura"));
    }
    sentences.add(choose(SCOPE, seed, "scope"));
    return List.copyOf(sentences);
  }

  /** The findings of {@code present} that a report can state, in column order. */
  public static Set<Finding> stated(Collection<Finding> present) {
    var stated = EnumSet.noneOf(Finding.class);
    stated.addAll(present);
    stated.retainAll(FINDINGS);
    return Collections.unmodifiableSet(stated);
  }

  /**
   * The findings that can be negated together with {@code present}, in column order. An opacity by
   * another name contradicts the negation of opacity, and pneumonia that of consolidation; the
   * parent is then neither stated nor negated.
   */
  public static Set<Finding> denied(Collection<Finding> present) {
    Set<Finding> stated = stated(present);
    var denied = EnumSet.copyOf(FINDINGS);
    denied.removeAll(stated);
    if (!Collections.disjoint(stated, OPACITIES)) {
      denied.remove(Finding.LUNG_OPACITY);
    }
    if (stated.contains(Finding.PNEUMONIA)) {
      denied.remove(Finding.CONSOLIDATION);
    }
    return Collections.unmodifiableSet(denied);
  }

  /** The impression of a report, which contains only its findings. */
  public static String impression(Collection<Finding> present, long seed) {
    Set<Finding> stated = stated(present);
    if (stated.isEmpty()) {
      return choose(
          List.of(
              "No abnormality of the heart, lungs or pleura.",
              "No abnormal finding of the heart, lungs or pleura."),
          seed,
          "impression");
    }
    return sentenceCase(list(stated, "and")) + ".";
  }

  /** The report in one sentence, with the view. */
  public static String summary(Collection<Finding> present, View view, long seed) {
    Set<Finding> stated = stated(present);
    String film =
        switch (view) {
          case PA -> "PA chest radiograph";
          case AP -> "AP chest radiograph";
          case LATERAL -> "Lateral chest radiograph";
          case UNKNOWN -> "Chest radiograph";
        };
    return stated.isEmpty()
        ? film + choose(List.of(" without abnormality.", " with no abnormality."), seed, "summary")
        : film
            + choose(List.of(" with ", " showing "), seed, "summary")
            + listWithArticles(stated)
            + ".";
  }

  private static String view(View view, long seed) {
    return switch (view) {
      case PA ->
          choose(
              List.of(
                  "This is a PA view of the chest.",
                  "Frontal PA view of the chest.",
                  "Frontal PA radiograph of the chest."),
              seed,
              "view");
      case AP ->
          choose(
              List.of(
                  "This is an AP view of the chest.",
                  "Frontal AP view of the chest.",
                  "Frontal AP radiograph of the chest."),
              seed,
              "view");
      case LATERAL -> "Lateral view of the chest.";
      case UNKNOWN -> "View of the chest.";
    };
  }

  private static String statement(Finding finding, long seed) {
    return choose(STATEMENTS.getOrDefault(finding, List.of()), seed, "state " + finding.label());
  }

  private static List<String> denials(Set<Finding> stated, long seed) {
    var absent = EnumSet.noneOf(Finding.class);
    absent.addAll(denied(stated));
    absent.remove(Finding.CARDIOMEGALY); // the sentence about the heart negates it
    List<List<Finding>> groups = choose(GROUPS, seed, "groups");
    int first = number(seed, "denial", DENIALS.size());
    var sentences = new ArrayList<String>();
    for (int i = 0; i < groups.size(); i++) {
      List<Finding> group = groups.get(i).stream().filter(absent::contains).toList();
      if (!group.isEmpty()) {
        String wording = DENIALS.get((first + i) % DENIALS.size());
        sentences.add(wording.formatted(list(group, "or")));
      }
    }
    return sentences;
  }

  /** {@code cardiomegaly and a pneumothorax}. */
  public static String listWithArticles(Collection<Finding> findings) {
    return join(findings.stream().map(ReportGrammar::withArticle).toList(), "and");
  }

  /** {@code edema, cardiomegaly or pneumothorax}, with {@code last} before the last. */
  public static String list(Collection<Finding> findings, String last) {
    return join(findings.stream().map(ReportGrammar::name).toList(), last);
  }

  static String join(List<String> names, String last) {
    return names.size() < 2
        ? String.join("", names)
        : names.subList(0, names.size() - 1).stream().collect(Collectors.joining(", "))
            + " "
            + last
            + " "
            + names.getLast();
  }

  /** A finding within a sentence. */
  public static String name(Finding finding) {
    return finding == Finding.EDEMA ? "pulmonary edema" : FindingWords.of(finding);
  }

  /** A finding with its article, if it has one. */
  public static String withArticle(Finding finding) {
    return switch (finding) {
      case LUNG_LESION, PNEUMOTHORAX, PLEURAL_EFFUSION, FRACTURE -> "a " + name(finding);
      case ENLARGED_CARDIOMEDIASTINUM -> "an " + name(finding);
      case NO_FINDING,
          CARDIOMEGALY,
          LUNG_OPACITY,
          EDEMA,
          CONSOLIDATION,
          PNEUMONIA,
          ATELECTASIS,
          PLEURAL_OTHER,
          SUPPORT_DEVICES ->
          name(finding);
    };
  }

  static String sentenceCase(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }

  private static <T> T choose(List<T> options, long seed, String place) {
    return options.get(number(seed, place, options.size()));
  }

  /** A number from 0 to {@code bound} - 1 that depends only on seed and place. */
  private static int number(long seed, String place, int bound) {
    long hash = mix(seed + 0x9E3779B97F4A7C15L);
    for (int i = 0; i < place.length(); i++) {
      hash = mix(hash ^ place.charAt(i));
    }
    return (int) Long.remainderUnsigned(hash, bound);
  }

  /** The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input counts. */
  private static long mix(long x) {
    long y = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    y = (y ^ (y >>> 27)) * 0x94D049BB133111EBL;
    return y ^ (y >>> 31);
  }
}
