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
import java.util.stream.Stream;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingWords;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.View;

/**
 * Writes reports that state only what the labels and the view of a film contain: no side, size or
 * location, no age or sex, no device or fracture, no comparison.
 *
 * <p>The order is a radiologist's and that of the findings in the prompt: the view, the heart, the
 * lungs, the pleura. In each region the present findings come first, joined in a sentence, then the
 * possible ones, then the negations that a reader would miss: whether the heart is enlarged,
 * consolidation and edema, pleural effusion and pneumothorax. Nothing else is negated, and a
 * finding that is not assessed is never mentioned.
 *
 * <p>Each choice of words depends only on the seed and the position, not on the other choices. Two
 * reports with the same seed whose findings differ in one label therefore differ only in the
 * sentences about its region: the second is the corrected first.
 */
public final class ReportGrammar {
  /** The findings that a report states or negates: the ten pathologies of the NIH labels. */
  public static final Set<Finding> FINDINGS = Finding.NIH_MAPPED;

  /** A part of the chest that a report describes, in the order of the report. */
  public enum Region {
    HEART,
    LUNGS,
    PLEURA;

    /** Its findings in column order. */
    public List<Finding> findings() {
      return switch (this) {
        case HEART -> List.of(Finding.CARDIOMEGALY);
        case LUNGS ->
            List.of(
                Finding.LUNG_OPACITY,
                Finding.LUNG_LESION,
                Finding.EDEMA,
                Finding.CONSOLIDATION,
                Finding.PNEUMONIA,
                Finding.ATELECTASIS);
        case PLEURA ->
            List.of(Finding.PNEUMOTHORAX, Finding.PLEURAL_EFFUSION, Finding.PLEURAL_OTHER);
      };
    }
  }

  /**
   * A sentence of a report.
   *
   * @param text with its full stop
   * @param states the findings that it calls present
   */
  public record Sentence(String text, Set<Finding> states) {}

  private static final Map<Finding, List<String>> STATEMENTS = new EnumMap<>(Finding.class);

  static {
    STATEMENTS.put(
        Finding.CARDIOMEGALY,
        List.of(
            "The heart is enlarged.",
            "There is cardiomegaly.",
            "Cardiomegaly is present.",
            "The cardiac silhouette is enlarged."));
    STATEMENTS.put(
        Finding.LUNG_OPACITY,
        List.of(
            "There is lung opacity.",
            "Lung opacity is present.",
            "There is lung opacity in keeping with an infiltrate."));
    STATEMENTS.put(
        Finding.LUNG_LESION,
        List.of(
            "There is a lung lesion.",
            "A lung lesion is present.",
            "There is a lung lesion, a nodule or mass."));
    STATEMENTS.put(
        Finding.EDEMA,
        List.of(
            "There is pulmonary edema.",
            "Pulmonary edema is present.",
            "The lungs show pulmonary edema."));
    STATEMENTS.put(
        Finding.CONSOLIDATION,
        List.of(
            "There is consolidation.",
            "Consolidation is present.",
            "There is airspace consolidation."));
    STATEMENTS.put(
        Finding.PNEUMONIA,
        List.of(
            "There is pneumonia.",
            "Pneumonia is present.",
            "The appearance is in keeping with pneumonia."));
    STATEMENTS.put(
        Finding.ATELECTASIS,
        List.of(
            "There is atelectasis.",
            "Atelectasis is present.",
            "There is volume loss from atelectasis."));
    STATEMENTS.put(
        Finding.PNEUMOTHORAX,
        List.of(
            "There is a pneumothorax.", "A pneumothorax is present.", "A pneumothorax is seen."));
    STATEMENTS.put(
        Finding.PLEURAL_EFFUSION,
        List.of(
            "There is a pleural effusion.",
            "A pleural effusion is present.",
            "A pleural effusion is seen."));
    STATEMENTS.put(
        Finding.PLEURAL_OTHER,
        List.of(
            "There is pleural thickening.",
            "Pleural thickening is present.",
            "Pleural thickening is seen."));
  }

  /** {@code %s} is a list of findings with articles. */
  private static final List<String> JOINED =
      List.of("There is %s.", "The film shows %s.", "%s are present.");

  /** {@code %s} is a list of findings with articles, joined by "or". */
  private static final List<String> HEDGED = List.of("There may be %s.", "%s cannot be excluded.");

  private static final List<String> HEART_HEDGED =
      List.of(
          "The heart may be enlarged.",
          "Possible cardiomegaly.",
          "Cardiomegaly cannot be excluded.");

  private static final List<String> HEART_NORMAL =
      List.of(
          "The heart is not enlarged.",
          "No cardiomegaly.",
          "The cardiac silhouette is normal.",
          "The cardiac silhouette is not enlarged.");

  private static final List<String> LUNGS_CLEAR =
      List.of(
          "The lungs are clear.",
          "The lungs are clear, without consolidation or edema.",
          "No consolidation, edema or lung lesion.");

  /** {@code %s} is a list of findings without articles, joined by "or". */
  private static final List<String> DENIALS =
      List.of("No %s.", "There is no %s.", "No %s is seen.", "No evidence of %s.");

  /** Negations that a report of a lung with other findings makes, in the order of their weight. */
  private static final List<Finding> PERTINENT =
      List.of(Finding.CONSOLIDATION, Finding.EDEMA, Finding.LUNG_LESION);

  private static final Set<Finding> OPACITIES =
      EnumSet.of(
          Finding.LUNG_LESION,
          Finding.EDEMA,
          Finding.CONSOLIDATION,
          Finding.PNEUMONIA,
          Finding.ATELECTASIS);

  private ReportGrammar() {}

  /**
   * The report of a film without uncertain findings, of which all {@link #FINDINGS} were assessed.
   *
   * @param present the findings to state; findings outside {@link #FINDINGS} are left out: No
   *     Finding follows from an empty set, and the others cannot be expressed
   * @param seed determines the words
   */
  public static String report(Collection<Finding> present, View view, long seed) {
    return report(FindingsList.of(present), FINDINGS, view, seed);
  }

  /**
   * The report of a film.
   *
   * @param assessed the findings that may be negated; the others are mentioned only if they are
   *     listed
   */
  public static String report(
      FindingsList findings, Collection<Finding> assessed, View view, long seed) {
    return sentences(findings, assessed, view, seed).stream()
        .map(Sentence::text)
        .collect(Collectors.joining(" "));
  }

  /** The sentences of {@link #report(FindingsList, Collection, View, long)}. */
  public static List<Sentence> sentences(
      FindingsList findings, Collection<Finding> assessed, View view, long seed) {
    var sentences = new ArrayList<Sentence>();
    sentences.add(new Sentence(view(view, seed), Set.of()));
    for (Region region : Region.values()) {
      sentences.addAll(sentences(region, findings, assessed, seed));
    }
    return List.copyOf(sentences);
  }

  /** The sentences of a report about one region; none if nothing of it is listed or assessed. */
  public static List<Sentence> sentences(
      Region region, FindingsList findings, Collection<Finding> assessed, long seed) {
    var sentences = new ArrayList<Sentence>();
    List<Finding> there = in(region, stated(findings.present()));
    if (!there.isEmpty()) {
      String text =
          there.size() == 1
              ? statement(there.getFirst(), seed)
              : sentenceCase(
                  choose(JOINED, seed, "join " + region).formatted(listWithArticles(there)));
      sentences.add(new Sentence(text, ordered(there)));
    }
    List<Finding> possible = in(region, stated(findings.uncertain()));
    if (!possible.isEmpty()) {
      String text =
          region == Region.HEART
              ? choose(HEART_HEDGED, seed, "hedge heart")
              : hedged(choose(HEDGED, seed, "hedge " + region), possible);
      sentences.add(new Sentence(text, Set.of()));
    }
    Set<Finding> denied = denied(findings);
    denied = ordered(denied.stream().filter(assessed::contains).toList());
    String negations =
        switch (region) {
          case HEART ->
              denied.contains(Finding.CARDIOMEGALY) ? choose(HEART_NORMAL, seed, "heart") : "";
          case LUNGS -> {
            if (denied.containsAll(region.findings())) {
              yield choose(LUNGS_CLEAR, seed, "clear");
            }
            List<Finding> missed = PERTINENT.stream().filter(denied::contains).limit(2).toList();
            yield missed.isEmpty() ? "" : denial(missed, seed, "lungs");
          }
          case PLEURA -> {
            boolean air = denied.contains(Finding.PNEUMOTHORAX);
            boolean fluid = denied.contains(Finding.PLEURAL_EFFUSION);
            boolean airFirst = number(seed, "air first", 2) == 0;
            yield air && fluid
                ? denial(
                    airFirst
                        ? List.of(Finding.PNEUMOTHORAX, Finding.PLEURAL_EFFUSION)
                        : List.of(Finding.PLEURAL_EFFUSION, Finding.PNEUMOTHORAX),
                    seed,
                    "pleura")
                : air
                    ? denial(List.of(Finding.PNEUMOTHORAX), seed, "pleura")
                    : fluid ? denial(List.of(Finding.PLEURAL_EFFUSION), seed, "pleura") : "";
          }
        };
    if (!negations.isEmpty()) {
      sentences.add(new Sentence(negations, Set.of()));
    }
    return List.copyOf(sentences);
  }

  private static List<Finding> in(Region region, Set<Finding> findings) {
    return region.findings().stream().filter(findings::contains).toList();
  }

  private static Set<Finding> ordered(Collection<Finding> findings) {
    var set = EnumSet.noneOf(Finding.class);
    set.addAll(findings);
    return Collections.unmodifiableSet(set);
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
    return denied(FindingsList.of(present));
  }

  /**
   * As {@link #denied(Collection)}; a finding that is possible, and the ancestors of one, are not
   * negated either.
   */
  public static Set<Finding> denied(FindingsList findings) {
    var listed = EnumSet.noneOf(Finding.class);
    listed.addAll(stated(findings.present()));
    listed.addAll(stated(findings.uncertain()));
    var denied = EnumSet.copyOf(FINDINGS);
    denied.removeAll(listed);
    if (!Collections.disjoint(listed, OPACITIES)) {
      denied.remove(Finding.LUNG_OPACITY);
    }
    if (listed.contains(Finding.PNEUMONIA)) {
      denied.remove(Finding.CONSOLIDATION);
    }
    return Collections.unmodifiableSet(denied);
  }

  /** The impression of a report without uncertain findings. */
  public static String impression(Collection<Finding> present, long seed) {
    return impression(FindingsList.of(present), seed);
  }

  /** The impression of a report, which contains only its findings. */
  public static String impression(FindingsList findings, long seed) {
    Set<Finding> present = stated(findings.present());
    Set<Finding> possible = stated(findings.uncertain());
    if (present.isEmpty() && possible.isEmpty()) {
      return choose(
          List.of(
              "No abnormality of the heart, lungs or pleura.",
              "No abnormal finding of the heart, lungs or pleura."),
          seed,
          "impression");
    }
    return Stream.of(
            present.isEmpty() ? "" : sentenceCase(list(present, "and")) + ".",
            possible.isEmpty() ? "" : hedged("%s cannot be excluded.", possible))
        .filter(text -> !text.isEmpty())
        .collect(Collectors.joining(" "));
  }

  /** The findings as an answer to a question for all of them. */
  public static String all(FindingsList findings) {
    Set<Finding> present = stated(findings.present());
    Set<Finding> possible = stated(findings.uncertain());
    if (present.isEmpty() && possible.isEmpty()) {
      return "No abnormality of the heart, lungs or pleura is seen.";
    }
    return Stream.of(
            present.isEmpty() ? "" : "There is " + listWithArticles(present) + ".",
            possible.isEmpty() ? "" : hedged("%s cannot be excluded.", possible))
        .filter(text -> !text.isEmpty())
        .collect(Collectors.joining(" "));
  }

  /** The report without uncertain findings in one sentence, with the view. */
  public static String summary(Collection<Finding> present, View view, long seed) {
    return summary(FindingsList.of(present), view, seed);
  }

  /** The report in one sentence, with the view. */
  public static String summary(FindingsList findings, View view, long seed) {
    Set<Finding> present = stated(findings.present());
    Set<Finding> possible = stated(findings.uncertain());
    String film =
        switch (view) {
          case PA -> "PA chest radiograph";
          case AP -> "AP chest radiograph";
          case LATERAL -> "Lateral chest radiograph";
          case UNKNOWN -> "Chest radiograph";
        };
    if (present.isEmpty() && possible.isEmpty()) {
      return film
          + choose(List.of(" without abnormality.", " with no abnormality."), seed, "summary");
    }
    String there =
        present.isEmpty()
            ? ""
            : choose(List.of(" with ", " showing "), seed, "summary") + listWithArticles(present);
    String open =
        possible.isEmpty() ? "" : "; " + listWithArticles(possible, "or") + " cannot be excluded";
    return film + there + open + ".";
  }

  private static String view(View view, long seed) {
    return switch (view) {
      case PA ->
          choose(
              List.of(
                  "PA view of the chest.",
                  "Frontal PA view of the chest.",
                  "Frontal PA radiograph of the chest."),
              seed,
              "view");
      case AP ->
          choose(
              List.of(
                  "AP view of the chest.",
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

  private static String hedged(String wording, Collection<Finding> findings) {
    return sentenceCase(wording.formatted(listWithArticles(findings, "or")));
  }

  private static String denial(List<Finding> findings, long seed, String place) {
    return choose(DENIALS, seed, "deny " + place).formatted(list(findings, "or"));
  }

  /** {@code cardiomegaly and a pneumothorax}. */
  public static String listWithArticles(Collection<Finding> findings) {
    return listWithArticles(findings, "and");
  }

  private static String listWithArticles(Collection<Finding> findings, String last) {
    return join(findings.stream().map(ReportGrammar::withArticle).toList(), last);
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

  /** The text with a capital at its beginning. */
  public static String sentenceCase(String text) {
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
