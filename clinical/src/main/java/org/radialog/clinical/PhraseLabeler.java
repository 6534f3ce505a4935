package org.radialog.clinical;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A labeler from a table of phrases: which words mention a finding, and which words around them
 * negate it or leave it open. It works sentence by sentence, in the manner of NegEx (Chapman et al.
 * 2001) and of CheXpert's rules: a mention is present unless a cue before or behind it in the same
 * clause says otherwise, and over a report present outweighs uncertain, and uncertain outweighs
 * absent.
 *
 * <p>No Finding is present where nothing else but Support Devices is present or uncertain, absent
 * where something is, and not mentioned in an empty report.
 *
 * <p>It judges short reports in plain words, such as those of our own grammar. It does not know the
 * whole language of radiology.
 */
public final class PhraseLabeler implements ReportLabeler {
  private static final Pattern SENTENCE_END =
      Pattern.compile(
          "(?<![0-9])\\.(?=\\s|$)|(?<=[0-9])\\.(?=\\s+\\p{Lu}|\\s*$)|[!?;](?=\\s|$)|\\R");

  /** Words that look like a negation and speak of time. */
  private static final Pattern PSEUDO_NEGATION =
      words(
          "no (?:\\w+ )?(?:change|increase|decrease|interval)\\w*",
          "not (?:\\w+ )?(?:changed|increased|decreased)",
          "without (?:\\w+ )?change",
          "not only",
          "no longer only");

  private static final Pattern NEGATION_BEFORE =
      words(
          "no(?!,)",
          "not",
          "without",
          "absence of",
          "free of",
          "clear of",
          "negative for",
          "denies",
          "neither",
          "nor",
          "never",
          "ruled? out",
          "excludes?",
          "rather than",
          "resolution of",
          "resolved",
          "cannot see");

  private static final Pattern NEGATION_BEHIND =
      words(
          "(?:is|are|was|were) (?:not|absent|excluded|ruled out|negative|no longer)",
          "(?:has|have) (?:\\w+ )?(?:resolved|cleared)",
          "not (?:seen|identified|present|noted|visible|visuali[sz]ed|demonstrated|evident|found)",
          "(?:does|do|did) not",
          "absent");

  private static final Pattern UNCERTAIN_BEFORE =
      words(
          "possibl[ey]",
          "probabl[ey]",
          "may",
          "might",
          "could",
          "cannot (?:be )?(?:exclude|rule out)",
          "not exclude",
          "questionable",
          "question of",
          "suspected",
          "suspicion of",
          "suspicious for",
          "concern(?:ing)? for",
          "suggest\\w*",
          "versus",
          "vs",
          "equivocal",
          "perhaps",
          "not (?:entirely )?clear whether",
          "evaluate for",
          "assess for");

  private static final Pattern UNCERTAIN_BEHIND =
      words(
          "cannot be (?:excluded|ruled out)",
          "(?:is|are) not (?:entirely |completely )?(?:excluded|ruled out)",
          "(?:is|are) (?:possible|suspected|questionable|unlikely|equivocal)",
          "(?:is|are|was|were) not assessed",
          "may be",
          "not excluded");

  /** Where a cue's reach ends. */
  private static final Pattern CLAUSE_BREAK =
      Pattern.compile(
          "\\b(?:but|however|although|though|except|apart from|other than|aside from|whereas|while"
              + "|and (?:the|there|shows?)|there (?:is|are)|which|because of|due to"
              + "|(?:is|are|was|were) (?:seen|identified|present|noted|visible|visuali[sz]ed"
              + "|demonstrated|evident|found|enlarged|clear(?! of)))\\b|:",
          Pattern.CASE_INSENSITIVE);

  /** Where what is said of a mention ends behind it; a comma of an enumeration does not end it. */
  private static final Pattern NEXT_CLAUSE =
      Pattern.compile(
          "\\b(?:but|however|although|though|except|whereas|while|and (?:the|there)|there (?:is|are)"
              + "|which|with|without|(?:is|are|was|were) (?:seen|identified|present|noted|visible"
              + "|demonstrated|evident|found))\\b|,(?! (?:\\w+ ){0,3}(?:and|or) )",
          Pattern.CASE_INSENSITIVE);

  private static final String HEART =
      "(?:heart(?: size)?|cardiac (?:silhouette|size|contours?|shadow)"
          + "|cardiomediastinal (?:silhouette|contours?)|size of the heart)";
  private static final String MEDIASTINUM =
      "(?:(?:cardio)?mediastin(?:um|al (?:silhouette|contours?|structures|width)))";
  private static final String SOMEHOW = "(?: \\w+){0,2}";
  private static final String IS = " (?:is|are|appears?|remains?|was|were)";

  /** Phrases that state a finding, before their surroundings are looked at. */
  private static final Map<Finding, Pattern> MENTIONS = new EnumMap<>(Finding.class);

  /** Phrases that deny a finding by themselves; they are read first and cover what they match. */
  private static final Map<Finding, Pattern> DENIALS = new EnumMap<>(Finding.class);

  static {
    MENTIONS.put(
        Finding.ENLARGED_CARDIOMEDIASTINUM,
        words(
            "enlarged (?:cardio)?mediastin\\w+",
            "(?:widened|wide|prominent) mediastin\\w+",
            "mediastinal (?:widening|enlargement)",
            MEDIASTINUM + IS + SOMEHOW + " (?:widened|enlarged|prominent)"));
    MENTIONS.put(
        Finding.CARDIOMEGALY,
        words(
            "cardiomegaly",
            "cardiac enlargement",
            "enlargement of the (?:heart|cardiac silhouette)",
            "enlarged " + HEART,
            HEART + IS + SOMEHOW + " enlarged",
            HEART + " enlarged"));
    MENTIONS.put(
        Finding.LUNG_OPACITY,
        words(
            "opacit(?:y|ies)",
            "opacification\\w*",
            "infiltrat\\w+",
            "air ?space disease",
            "haziness"));
    MENTIONS.put(
        Finding.LUNG_LESION,
        words(
            "(?:lung|pulmonary) lesions?",
            "nodul\\w+",
            "mass(?:es)?(?! effect)",
            "tumou?rs?",
            "neoplasms?"));
    MENTIONS.put(
        Finding.EDEMA,
        words(
            "o?edema",
            "(?:congestive )?heart failure",
            "(?:vascular|pulmonary|venous) congestion"));
    MENTIONS.put(Finding.CONSOLIDATION, words("consolidat\\w+"));
    MENTIONS.put(Finding.PNEUMONIA, words("(?:broncho)?pneumoni[ac]\\w*", "infectious process"));
    MENTIONS.put(Finding.ATELECTASIS, words("atelecta\\w+", "collapse"));
    MENTIONS.put(Finding.PNEUMOTHORAX, words("(?:hydro)?pneumothora\\w+"));
    MENTIONS.put(
        Finding.PLEURAL_EFFUSION,
        words(
            "(?<!pericardial )effusions?",
            "pleural fluid",
            "hydro(?:pneumo)?thorax",
            "blunting of the costophrenic angles?"));
    MENTIONS.put(
        Finding.PLEURAL_OTHER,
        words(
            "pleural (?:thickening|plaques?|scarring|calcifications?|other)",
            "thickening of the pleura",
            "thickened pleura",
            "fibrothorax"));
    MENTIONS.put(Finding.FRACTURE, words("fractur\\w+"));
    MENTIONS.put(
        Finding.SUPPORT_DEVICES,
        words(
            "(?:support )?devices?",
            "(?:\\w+ )?tubes?",
            "(?:\\w+ )?catheters?",
            "(?:central|venous|picc|arterial) lines?",
            "picc",
            "pace ?makers?",
            "defibrillators?",
            "port-?a-?cath",
            "(?:pacer|pacemaker|icd) leads?",
            "sternotomy wires?"));

    DENIALS.put(
        Finding.CARDIOMEGALY,
        words(
            HEART + IS + SOMEHOW + " (?:normal|unremarkable|not" + SOMEHOW + " enlarged)",
            HEART + IS + " within normal limits",
            "normal " + HEART,
            "no enlargement of the (?:heart|cardiac silhouette)",
            HEART + " (?:normal|within normal limits)"));
    DENIALS.put(
        Finding.ENLARGED_CARDIOMEDIASTINUM,
        words(
            MEDIASTINUM + IS + SOMEHOW + " (?:normal|unremarkable|not" + SOMEHOW + " widened)",
            MEDIASTINUM + IS + " within normal limits",
            "normal " + MEDIASTINUM));
    DENIALS.put(
        Finding.PLEURAL_EFFUSION,
        words(
            "costophrenic (?:angles?|sulc(?:us|i))" + IS + SOMEHOW + " (?:sharp|clear|free)",
            "pleural spaces?" + IS + SOMEHOW + " (?:clear|free)"));
  }

  private static Pattern words(String... alternatives) {
    return Pattern.compile(
        "\\b(?:" + String.join("|", alternatives) + ")(?!\\w)", Pattern.CASE_INSENSITIVE);
  }

  @Override
  public Labels label(String report) {
    var said = new EnumMap<Finding, Map<FindingState, List<Labels.Span>>>(Finding.class);
    int start = 0;
    Matcher end = SENTENCE_END.matcher(report);
    while (end.find()) {
      sentence(report, start, end.start(), said);
      start = end.end();
    }
    sentence(report, start, report.length(), said);

    var entries = new EnumMap<Finding, Labels.Entry>(Finding.class);
    boolean abnormal = false;
    for (Finding finding : Finding.ALL) {
      Map<FindingState, List<Labels.Span>> states = said.getOrDefault(finding, Map.of());
      for (FindingState state :
          List.of(FindingState.PRESENT, FindingState.UNCERTAIN, FindingState.ABSENT)) {
        List<Labels.Span> where = states.getOrDefault(state, List.of());
        if (!where.isEmpty()) {
          entries.put(finding, new Labels.Entry(state, where));
          abnormal |= state != FindingState.ABSENT && finding != Finding.SUPPORT_DEVICES;
          break;
        }
      }
    }
    if (!report.isBlank()) {
      entries.put(
          Finding.NO_FINDING,
          new Labels.Entry(abnormal ? FindingState.ABSENT : FindingState.PRESENT, List.of()));
    }
    return new Labels(entries);
  }

  private static void sentence(
      String report, int from, int to, Map<Finding, Map<FindingState, List<Labels.Span>>> said) {
    if (from >= to) {
      return;
    }
    // Same length throughout, so that positions stay those of the report.
    String text =
        PSEUDO_NEGATION
            .matcher(report.substring(from, to))
            .replaceAll(match -> "_".repeat(match.group().length()));
    for (Finding finding : Finding.ALL) {
      var covered = new ArrayList<Labels.Span>();
      Pattern denial = DENIALS.get(finding);
      if (denial != null) {
        Matcher m = denial.matcher(text);
        while (m.find()) {
          covered.add(new Labels.Span(m.start(), m.end()));
          note(said, finding, FindingState.ABSENT, from + m.start(), from + m.end());
        }
      }
      Pattern mention = MENTIONS.get(finding);
      if (mention != null) {
        Matcher m = mention.matcher(text);
        while (m.find()) {
          int start = m.start();
          if (covered.stream().noneMatch(span -> start >= span.start() && start < span.end())) {
            FindingState state = state(text, m.start(), m.end());
            note(said, finding, state, from + m.start(), from + m.end());
          }
        }
      }
    }
  }

  private static void note(
      Map<Finding, Map<FindingState, List<Labels.Span>>> said,
      Finding finding,
      FindingState state,
      int start,
      int end) {
    said.computeIfAbsent(finding, f -> new EnumMap<>(FindingState.class))
        .computeIfAbsent(state, s -> new ArrayList<>())
        .add(new Labels.Span(start, end));
  }

  private static FindingState state(String sentence, int start, int end) {
    String before = lastClause(sentence.substring(0, start));
    String behind = firstClause(sentence.substring(end));
    if (UNCERTAIN_BEHIND.matcher(behind).find() || UNCERTAIN_BEFORE.matcher(before).find()) {
      return FindingState.UNCERTAIN;
    }
    if (NEGATION_BEFORE.matcher(before).find() || NEGATION_BEHIND.matcher(behind).find()) {
      return FindingState.ABSENT;
    }
    return FindingState.PRESENT;
  }

  /** What stands between the last break and the mention. */
  private static String lastClause(String before) {
    int start = 0;
    Matcher m = CLAUSE_BREAK.matcher(before);
    while (m.find()) {
      // "there is no …" begins a clause, "no … is seen" ends one: either way the cue lies behind.
      start = m.end();
    }
    return before.substring(start);
  }

  /** What follows the mention up to the next clause. */
  private static String firstClause(String behind) {
    Matcher m = NEXT_CLAUSE.matcher(behind);
    return m.find() ? behind.substring(0, m.start()) : behind;
  }
}
