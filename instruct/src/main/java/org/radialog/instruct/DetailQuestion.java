package org.radialog.instruct;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.View;
import org.radialog.data.LungZone;

/**
 * What a finding that is there is like: its place, its degree, its appearance, as Rad-ReStruct asks
 * for them. Of a synthetic report a radiologist's box tells the place, and nothing the rest; of any
 * other the words of the one sentence that states the finding and no other one.
 */
final class DetailQuestion implements DialogTask {
  private static final RuleLabeler LABELER = new RuleLabeler();

  private static final Pattern LEFT = Pattern.compile("\\bleft\\b");
  private static final Pattern RIGHT = Pattern.compile("\\bright\\b");
  private static final Pattern BOTH = Pattern.compile("\\b(?:bilateral(?:ly)?|both)\\b");
  private static final Pattern UPPER = Pattern.compile("\\b(?:upper|apical|apex|apices)\\b");
  private static final Pattern MIDDLE = Pattern.compile("\\b(?:mid|middle)\\b");
  private static final Pattern LOWER =
      Pattern.compile("\\b(?:lower|basal|basilar|bibasilar|base|bases)\\b");
  private static final Pattern DEGREE =
      Pattern.compile(
          "\\b(?:tiny|trace|minimal|small|mild|moderate|large|marked|severe|extensive|massive)\\b");
  private static final Pattern ATTRIBUTE =
      Pattern.compile(
          "\\b(?:patchy|hazy|linear|streaky|focal|diffuse|interstitial|nodular|calcified"
              + "|loculated|layering|confluent|rounded|platelike|plate-like)\\b");

  // "No longer", "right greater than left", "from mild to moderate": a sentence of more than one
  // thing.
  private static final Pattern MORE =
      Pattern.compile("\\b(?:no|not|without|greater|than|versus|or|to|change|unchanged)\\b");

  private enum Aspect {
    LOCATION,
    SIDE,
    DEGREE,
    ATTRIBUTE
  }

  @Override
  public String name() {
    return "detail";
  }

  @Override
  public boolean ofReport() {
    return false;
  }

  @Override
  public Optional<Request> ask(Case about, Asking how) {
    Set<Finding> present = EnumSet.noneOf(Finding.class);
    present.addAll(about.present());
    present.remove(Finding.SUPPORT_DEVICES);
    if (present.isEmpty()) {
      return Optional.empty();
    }
    return about.synthetic() ? ofFilm(about, how, present) : ofText(about, how, present);
  }

  private static Optional<Request> ofFilm(Case about, Asking how, Set<Finding> present) {
    Set<Finding> stated = ReportGrammar.stated(present);
    if (stated.isEmpty()) {
      return Optional.empty();
    }
    List<Finding> placed = stated.stream().filter(f -> about.place(f).isPresent()).toList();
    // What is known is asked for first.
    Finding finding = placed.isEmpty() ? how.pick(stated) : how.pick(placed);
    Aspect aspect =
        placed.isEmpty()
            ? how.pick(List.of(Aspect.values()))
            : how.pick(List.of(Aspect.LOCATION, Aspect.SIDE));
    return Optional.of(
        request(
            how,
            finding,
            aspect,
            switch (aspect) {
              case LOCATION, SIDE ->
                  about
                      .place(finding)
                      .map(place -> placed(aspect, place))
                      .orElse(
                          aspect == Aspect.SIDE && finding == Finding.CARDIOMEGALY
                              ? "Cardiomegaly is of the whole heart: it has no side."
                              : "I cannot say: the place was not assessed.");
              case DEGREE -> "I cannot say: the size and the severity were not assessed.";
              case ATTRIBUTE -> "I cannot say: the appearance was not assessed.";
            }));
  }

  private static String placed(Aspect aspect, Case.Place place) {
    if (aspect == Aspect.LOCATION) {
      return ReportGrammar.sentenceCase(place.words()) + ".";
    }
    return switch (place.side()) {
      case LEFT -> "On the left.";
      case RIGHT -> "On the right.";
      case BOTH -> "On both sides.";
    };
  }

  private static Optional<Request> ofText(Case about, Asking how, Set<Finding> present) {
    Labels labels = LABELER.label(about.report());
    var candidates = new ArrayList<Finding>();
    for (Finding finding : present) {
      if (sentence(about, labels, finding).isPresent()) {
        candidates.add(finding);
      }
    }
    if (candidates.isEmpty()) {
      return Optional.empty();
    }
    Finding finding = how.pick(candidates);
    String sentence = sentence(about, labels, finding).orElseThrow();
    var told = new ArrayList<Aspect>();
    for (Aspect aspect : Aspect.values()) {
      if (answer(sentence, aspect).isPresent()) {
        told.add(aspect);
      }
    }
    boolean lateral = how.switches().views() && about.view() == View.LATERAL;
    if (told.isEmpty()) {
      Aspect aspect = how.pick(List.of(Aspect.LOCATION, Aspect.DEGREE));
      return how.afterReport()
          ? Optional.of(request(how, finding, aspect, "The report does not say."))
          : Optional.empty();
    }
    Aspect aspect = how.pick(told);
    return Optional.of(
        request(
            how,
            finding,
            aspect,
            lateral && aspect == Aspect.SIDE
                ? "The side cannot be seen on a lateral view."
                : answer(sentence, aspect).orElseThrow()));
  }

  // The one sentence that states the finding, where it states nothing else.
  private static Optional<String> sentence(Case about, Labels labels, Finding finding) {
    if (labels.state(finding) != FindingState.PRESENT) {
      return Optional.empty();
    }
    List<Labels.Span> spans =
        labels.entry(finding).passages().stream().map(Labels.Passage::sentence).distinct().toList();
    if (spans.size() != 1) {
      return Optional.empty();
    }
    String sentence = spans.getFirst().of(about.report()).toLowerCase(Locale.ROOT);
    Labels alone = LABELER.label(sentence);
    for (Finding other : Finding.ALL) {
      boolean kin =
          other.parent().equals(Optional.of(finding))
              || finding.parent().equals(Optional.of(other));
      if (other != finding
          && other != Finding.NO_FINDING
          && !kin
          && alone.state(other) != FindingState.NOT_MENTIONED) {
        return Optional.empty();
      }
    }
    return MORE.matcher(sentence).find() ? Optional.empty() : Optional.of(sentence);
  }

  private static Optional<String> answer(String sentence, Aspect aspect) {
    return switch (aspect) {
      case LOCATION -> {
        Optional<Case.Side> side = side(sentence);
        Optional<LungZone> zone = zone(sentence);
        yield side.isPresent() && zone.isPresent()
            ? Optional.of(
                ReportGrammar.sentenceCase(
                        new Case.Place(Finding.LUNG_OPACITY, side.get(), zone).words())
                    + ".")
            : Optional.empty();
      }
      case SIDE ->
          side(sentence)
              .map(side ->
                  switch (side) {
                    case LEFT -> "On the left.";
                    case RIGHT -> "On the right.";
                    case BOTH -> "On both sides.";
                  });
      case DEGREE -> only(DEGREE, sentence).map(word -> "It is " + word + ".");
      case ATTRIBUTE -> only(ATTRIBUTE, sentence).map(word -> "It is " + word + ".");
    };
  }

  private static Optional<Case.Side> side(String sentence) {
    boolean left = LEFT.matcher(sentence).find();
    boolean right = RIGHT.matcher(sentence).find();
    if (BOTH.matcher(sentence).find() || (left && right)) {
      return Optional.of(Case.Side.BOTH);
    }
    return left
        ? Optional.of(Case.Side.LEFT)
        : right ? Optional.of(Case.Side.RIGHT) : Optional.empty();
  }

  private static Optional<LungZone> zone(String sentence) {
    var zones = EnumSet.noneOf(LungZone.class);
    if (UPPER.matcher(sentence).find()) {
      zones.add(LungZone.UPPER);
    }
    if (MIDDLE.matcher(sentence).find()) {
      zones.add(LungZone.MIDDLE);
    }
    if (LOWER.matcher(sentence).find()) {
      zones.add(LungZone.LOWER);
    }
    return zones.size() == 1 ? zones.stream().findFirst() : Optional.empty();
  }

  // The one word of a kind.
  private static Optional<String> only(Pattern words, String sentence) {
    Matcher matcher = words.matcher(sentence);
    if (!matcher.find()) {
      return Optional.empty();
    }
    String word = matcher.group();
    return matcher.find() ? Optional.empty() : Optional.of(word.equals("trace") ? "a trace" : word);
  }

  private static Request request(Asking how, Finding finding, Aspect aspect, String answer) {
    String key = "detail." + aspect.name().toLowerCase(Locale.ROOT);
    return Request.of(how.prompt(key).replace("<x>", ReportGrammar.name(finding)), answer);
  }
}
