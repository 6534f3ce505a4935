package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.radialog.clinical.Finding;
import org.radialog.clinical.Labels;

/**
 * Clinical efficacy (CE) of reports: compares the labels of generated reports with those of
 * reference reports, under both mappings of uncertain. A finding that a report does not mention is
 * negative. The scores are those of {@link MultiLabel}, named {@code
 * uncertain=negative/macro_f1_14} and so on. A pair of reports takes 24 bytes, so intervals can be
 * computed even for a million pairs.
 */
public final class ClinicalEfficacy implements Resampled, ClinicalMetric.Scored {
  private static final List<String> NAMES = allNames();

  private final Map<UncertainMapping, MultiLabel> byMapping;

  private ClinicalEfficacy(Map<UncertainMapping, MultiLabel> byMapping) {
    this.byMapping = byMapping;
  }

  /** Collects pairs of reports. */
  public static final class Builder {
    private final Map<UncertainMapping, MultiLabel.Builder> byMapping =
        new EnumMap<>(UncertainMapping.class);

    public Builder() {
      for (UncertainMapping mapping : UncertainMapping.values()) {
        byMapping.put(mapping, new MultiLabel.Builder());
      }
    }

    /** Adds the labels of a reference report and of a generated report. */
    public Builder add(Labels reference, Labels hypothesis) {
      return add(ReferenceLabels.of(reference), hypothesis);
    }

    /** Adds the known labels of a film and the labels of a generated report. */
    public Builder add(ReferenceLabels reference, Labels hypothesis) {
      int known = MultiLabel.bits(reference.known());
      byMapping.forEach((mapping, rows) ->
          rows.add(known, bits(reference.labels(), mapping), bits(hypothesis, mapping)));
      return this;
    }

    /** The pairs so far. */
    public ClinicalEfficacy build() {
      Map<UncertainMapping, MultiLabel> built = new EnumMap<>(UncertainMapping.class);
      byMapping.forEach((mapping, rows) -> built.put(mapping, rows.build()));
      return new ClinicalEfficacy(built);
    }

    private static int bits(Labels labels, UncertainMapping mapping) {
      int bits = 0;
      for (Finding finding : Finding.ALL) {
        if (mapping.positive(labels.state(finding))) {
          bits |= 1 << finding.column();
        }
      }
      return bits;
    }
  }

  /** Clinical efficacy as one of the clinical metrics. */
  static ClinicalMetric metric() {
    return new ClinicalMetric() {
      @Override
      public String name() {
        return "clinical efficacy";
      }

      @Override
      public Scored over(List<ReferenceLabels> references, List<Labels> hypotheses) {
        Builder rows = new Builder();
        for (int i = 0; i < references.size(); i++) {
          rows.add(references.get(i), hypotheses.get(i));
        }
        return rows.build();
      }
    };
  }

  @Override
  public Resampled scores() {
    return this;
  }

  @Override
  public Resampled inSubgroups() {
    return under(UncertainMapping.NEGATIVE);
  }

  @Override
  public SequencedMap<String, MultiLabel.Scores> tables(SequencedMap<String, Interval> intervals) {
    SequencedMap<String, MultiLabel.Scores> tables = new LinkedHashMap<>();
    byMapping(intervals).forEach((mapping, table) -> tables.put(mapping.label(), table));
    return tables;
  }

  /** The scores with their intervals, under each mapping. */
  public SequencedMap<UncertainMapping, MultiLabel.Scores> scores(
      Bootstrap bootstrap, Groups groups) {
    return byMapping(bootstrap.intervals(this, groups));
  }

  /** The scores without intervals, under each mapping. */
  public SequencedMap<UncertainMapping, MultiLabel.Scores> points() {
    return byMapping(Interval.points(this));
  }

  private SequencedMap<UncertainMapping, MultiLabel.Scores> byMapping(
      SequencedMap<String, Interval> intervals) {
    SequencedMap<UncertainMapping, MultiLabel.Scores> scores = new LinkedHashMap<>();
    byMapping.forEach((mapping, rows) -> {
      SequencedMap<String, Interval> own = new LinkedHashMap<>();
      for (String name : rows.names()) {
        Interval interval = intervals.get(mapping.label() + "/" + name);
        if (interval != null) {
          own.put(name, interval);
        }
      }
      scores.put(mapping, rows.scores(own));
    });
    return scores;
  }

  /** The pairs under one mapping. */
  public MultiLabel under(UncertainMapping mapping) {
    return Objects.requireNonNull(byMapping.get(mapping));
  }

  @Override
  public int items() {
    return under(UncertainMapping.NEGATIVE).items();
  }

  @Override
  public List<String> names() {
    return NAMES;
  }

  @Override
  public double[] of(int[] times) {
    double[] scores = new double[NAMES.size()];
    int at = 0;
    for (MultiLabel rows : byMapping.values()) {
      double[] of = rows.of(times);
      System.arraycopy(of, 0, scores, at, of.length);
      at += of.length;
    }
    return scores;
  }

  @Override
  public double[] resample(int[] times) {
    double[] scores = new double[NAMES.size()];
    int at = 0;
    for (MultiLabel rows : byMapping.values()) {
      double[] of = rows.resample(times);
      System.arraycopy(of, 0, scores, at, of.length);
      at += of.length;
    }
    return scores;
  }

  @Override
  public ClinicalEfficacy only(int[] chosen) {
    Map<UncertainMapping, MultiLabel> some = new EnumMap<>(UncertainMapping.class);
    byMapping.forEach((mapping, rows) -> some.put(mapping, rows.only(chosen)));
    return new ClinicalEfficacy(some);
  }

  @Override
  public ClinicalEfficacy followedBy(Resampled other) {
    if (!(other instanceof ClinicalEfficacy second)) {
      throw new IllegalArgumentException("clinical efficacy followed by " + other.names());
    }
    Map<UncertainMapping, MultiLabel> both = new EnumMap<>(UncertainMapping.class);
    byMapping.forEach((mapping, rows) -> both.put(mapping, rows.followedBy(second.under(mapping))));
    return new ClinicalEfficacy(both);
  }

  private static List<String> allNames() {
    List<String> names = new ArrayList<>();
    for (UncertainMapping mapping : UncertainMapping.values()) {
      new MultiLabel.Builder().build().names().forEach(n -> names.add(mapping.label() + "/" + n));
    }
    return Collections.unmodifiableList(names);
  }
}
