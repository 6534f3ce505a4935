package org.radialog.cli;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.Sha256;
import org.radialog.eval.Evaluation;
import org.radialog.eval.ReportScores;
import org.radialog.eval.ResultFolder;
import org.radialog.eval.SystemScores;
import org.radialog.metrics.BertScore;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.Meteor;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.WordTokenizer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** How reports are scored, and where the scores go. */
final class ScoringOptions {
  @Option(
      names = "--tokenizer",
      paramLabel = "T",
      defaultValue = "nltk",
      description = "Of the text metrics: nltk, ptb or whitespace (default: ${DEFAULT-VALUE}).")
  private WordTokenizer tokenizer = WordTokenizer.NLTK;

  @Option(
      names = "--meteor-data",
      paramLabel = "DIR",
      description =
          "METEOR's data, or the Python package pycocoevalcap; without it METEOR is left out.")
  private @Nullable Path meteorData;

  @Option(
      names = "--bert",
      paramLabel = "DIR",
      description = "A BERT or RoBERTa for BERTScore; without it BERTScore is left out.")
  private @Nullable Path bert;

  @Option(
      names = "--bert-layer",
      paramLabel = "N",
      converter = Numeric.Layer.class,
      description =
          "Whose vectors are compared (default: what bert-score recommends for the network).")
  private @Nullable Integer bertLayer;

  @Option(names = "--bert-idf", description = "Rare tokens count more.")
  private boolean idf;

  @Option(
      names = "--bert-baseline",
      paramLabel = "FILE",
      description = "bert-score's baseline of the network: BERTScore is rescaled.")
  private @Nullable Path bertBaseline;

  @Mixin private LabelerOptions labeler = new LabelerOptions();

  @Option(
      names = "--resamples",
      paramLabel = "N",
      defaultValue = "1000",
      converter = Numeric.Resamples.class,
      description = "Of the bootstrap (default: ${DEFAULT-VALUE}).")
  private int resamples;

  @Option(
      names = "--bootstrap-seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Equal seeds give equal intervals (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Writes scores.json, table.md, report.html and plots/ there.")
  private @Nullable Path out;

  @Option(names = "--png", description = "Plots as PNG besides SVG.")
  private boolean png;

  @Option(names = "--json", description = "One JSON object instead of a table.")
  private boolean json;

  /** What scoring needs, open. */
  record Opened(
      ReportScores.Settings settings, LabelerOptions.Opened labeler, Optional<BertScore> bertScore)
      implements AutoCloseable {
    @Override
    public void close() {
      bertScore.ifPresent(BertScore::close);
      labeler.close();
    }
  }

  Optional<Path> out() {
    return Optional.ofNullable(out);
  }

  LabelerOptions labeler() {
    return labeler;
  }

  boolean json() {
    return json;
  }

  Bootstrap bootstrap() {
    return new Bootstrap(resamples, seed);
  }

  PairedTest test() {
    return new PairedTest(bootstrap(), PairedTest.DEFAULT.shuffles());
  }

  /** Opens what scoring needs; {@code settings} gets what the scores depend on. */
  Opened open(SequencedMap<String, Object> settings) {
    Optional<Meteor> meteor = Optional.ofNullable(meteorData).map(Meteor::open);
    Optional<BertScore> bertScore =
        Optional.ofNullable(bert)
            .map(folder ->
                BertScore.open(
                    folder,
                    new BertScore.Settings(
                        bertLayer == null ? OptionalInt.empty() : OptionalInt.of(bertLayer),
                        idf,
                        Optional.ofNullable(bertBaseline))));
    LabelerOptions.Opened opened = labeler.open();
    settings.put("tokenizer", tokenizer.name().toLowerCase(Locale.ROOT));
    settings.put("labeler", opened.name());
    settings.put("resamples", resamples);
    settings.put("bootstrap_seed", seed);
    if (meteorData != null) {
      settings.put("meteor_data_sha256", Sha256.of(meteorData));
    }
    if (bert != null) {
      settings.put("bert_sha256", Sha256.of(bert));
      settings.put("bert_layer", bertScore.map(BertScore::layer).orElse(0));
      settings.put("bert_idf", idf);
      settings.put("bert_rescaled", bertBaseline != null);
    }
    settings.put("radialog_version", Build.version());
    return new Opened(
        new ReportScores.Settings(
            tokenizer, meteor, bertScore, opened::label, bootstrap(), Terminal.progress()),
        opened,
        bertScore);
  }

  /** Writes the result where it was asked for, and prints it. */
  void deliver(Evaluation evaluation) {
    for (SystemScores system : evaluation.systems()) {
      system.marks().stream()
          .filter(mark -> mark.startsWith(ReportScores.EMPTY) || mark.startsWith(ReportScores.CUT))
          .forEach(mark -> Terminal.say(Printable.of(system.name()) + ", " + mark));
    }
    if (out != null) {
      Set<ResultFolder.PlotFormat> formats = EnumSet.of(ResultFolder.PlotFormat.SVG);
      if (png) {
        formats.add(ResultFolder.PlotFormat.PNG);
      }
      ResultFolder.write(out, evaluation, formats);
    }
    if (json) {
      ObjectNode root = (ObjectNode) ResultFolder.json(evaluation);
      Terminal.data().println(root);
    } else {
      System.out.print(ResultFolder.markdown(evaluation));
    }
    if (out != null) {
      Terminal.say("wrote scores.json, table.md, report.html and plots/ to " + out);
    }
  }
}
