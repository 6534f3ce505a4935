package org.radialog.instruct;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.View;
import org.radialog.data.LungZone;

/**
 * An image and everything that its data set tells about it; dialogs are generated from cases.
 *
 * @param source the data set's name, for example {@code mimic-cxr}
 * @param study unique in its data set
 * @param image the path of the image in the file of dialogs
 * @param report the findings section, on one line
 * @param impression on one line; empty if there is none
 * @param synthetic whether the texts were generated from the labels by {@link ReportGrammar}
 * @param words the seed for the wording of synthetic texts
 * @param labels one entry a finding
 * @param labelSource where the labels come from, for example {@code chexbert}
 * @param places locations of findings, from the boxes of radiologists
 * @param explained an explanation of findings in the words of the report (MIMIC-NLE)
 * @param predicted a generated report, on one line
 */
public record Case(
    String source,
    String study,
    String image,
    View view,
    String report,
    String impression,
    boolean synthetic,
    long words,
    Map<Finding, FindingState> labels,
    String labelSource,
    List<Place> places,
    Optional<Explanation> explained,
    Optional<String> predicted) {

  /** A side of the patient. */
  public enum Side {
    LEFT("left"),
    RIGHT("right"),
    BOTH("both");

    private final String word;

    Side(String word) {
      this.word = word;
    }

    String word() {
      return word;
    }
  }

  /**
   * Where a finding lies.
   *
   * @param zone empty where it lies in more than one, or between two
   */
  public record Place(Finding finding, Side side, Optional<LungZone> zone) {
    /** {@code in the left lower zone}, {@code on both sides}. */
    String words() {
      return switch (side) {
        case LEFT, RIGHT ->
            zone.map(z -> "in the " + side.word() + " " + z.word() + " zone")
                .orElse("on the " + side.word());
        case BOTH -> zone.map(z -> "in both " + z.word() + " zones").orElse("on both sides");
      };
    }
  }

  /**
   * A sentence of a report that gives the reason for diagnoses.
   *
   * @param of at least one
   */
  public record Explanation(Set<Finding> of, String text) {
    public Explanation {
      of = ordered(of);
    }
  }

  public Case {
    var all = new EnumMap<Finding, FindingState>(Finding.class);
    for (Finding finding : Finding.ALL) {
      all.put(finding, labels.getOrDefault(finding, FindingState.NOT_MENTIONED));
    }
    labels = Collections.unmodifiableMap(all);
    places = List.copyOf(places);
  }

  /** What is known of a finding. */
  public FindingState state(Finding finding) {
    return labels.getOrDefault(finding, FindingState.NOT_MENTIONED);
  }

  /** The findings in a state, No Finding among them, in column order. */
  public Set<Finding> in(FindingState state) {
    var found = EnumSet.noneOf(Finding.class);
    for (Finding finding : Finding.ALL) {
      if (state(finding) == state) {
        found.add(finding);
      }
    }
    return Collections.unmodifiableSet(found);
  }

  /** The findings that are present, without No Finding. */
  Set<Finding> present() {
    return pathologies(in(FindingState.PRESENT));
  }

  /** The findings that are left open. */
  Set<Finding> uncertain() {
    return pathologies(in(FindingState.UNCERTAIN));
  }

  /**
   * The findings that are surely not there: those that are labelled absent, and all pathologies
   * that are not mentioned where No Finding is present.
   */
  Set<Finding> absent() {
    var absent = EnumSet.noneOf(Finding.class);
    absent.addAll(pathologies(in(FindingState.ABSENT)));
    if (state(Finding.NO_FINDING) == FindingState.PRESENT && !synthetic) {
      absent.addAll(pathologies(in(FindingState.NOT_MENTIONED)));
      absent.remove(Finding.SUPPORT_DEVICES);
    }
    return Collections.unmodifiableSet(absent);
  }

  /** Whether it belongs to the rows with a finding, as RaDialog's stratified sample has it. */
  boolean hasFinding() {
    return state(Finding.NO_FINDING) != FindingState.PRESENT && !in(FindingState.PRESENT).isEmpty();
  }

  /** Where a finding lies, if a box tells. */
  Optional<Place> place(Finding finding) {
    return places.stream().filter(place -> place.finding() == finding).findFirst();
  }

  /**
   * The report of a film whose findings are known and where some of them lie: as {@link
   * ReportGrammar} writes it, each place in a sentence behind the one that states the finding.
   *
   * @param words chooses the wording
   */
  static String write(Set<Finding> present, View view, long words, List<Place> places) {
    var sentences = new ArrayList<String>();
    for (ReportGrammar.Sentence sentence :
        ReportGrammar.sentences(FindingsList.of(present), ReportGrammar.FINDINGS, view, words)) {
      sentences.add(sentence.text());
      for (Place place : places) {
        if (sentence.states().contains(place.finding())) {
          sentences.add(
              "The %s is %s.".formatted(ReportGrammar.name(place.finding()), place.words()));
        }
      }
    }
    return String.join(" ", sentences);
  }

  /** A number that depends on all of its arguments and on nothing else. */
  static long draw(long seed, String... texts) {
    long hash = mixed(seed + 0x9E3779B97F4A7C15L);
    for (String text : texts) {
      for (int i = 0; i < text.length(); i++) {
        hash = mixed(hash ^ text.charAt(i));
      }
      hash = mixed(hash + 0x9E3779B97F4A7C15L);
    }
    return hash;
  }

  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input counts.
  private static long mixed(long x) {
    long y = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    y = (y ^ (y >>> 27)) * 0x94D049BB133111EBL;
    return y ^ (y >>> 31);
  }

  private static Set<Finding> pathologies(Set<Finding> findings) {
    var set = EnumSet.noneOf(Finding.class);
    set.addAll(findings);
    set.remove(Finding.NO_FINDING);
    return Collections.unmodifiableSet(set);
  }

  private static Set<Finding> ordered(Set<Finding> findings) {
    var set = EnumSet.noneOf(Finding.class);
    set.addAll(findings);
    return Collections.unmodifiableSet(set);
  }
}
