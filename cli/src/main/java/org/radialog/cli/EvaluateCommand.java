package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.dialog.Options.Control;
import org.radialog.dialog.RaDialog;
import org.radialog.eval.Protocols;
import org.radialog.model.Precision;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog evaluate --protocol …}: does the model do what it should on unseen films? */
@Command(
    name = "evaluate",
    description = {
      "Runs a protocol over the films of one fold of a data set.",
      "view: is the view told from the image?  edit: does an edit of the findings change the report,",
      "and nothing else?  report: does it say what its findings say, and nothing without evidence?",
      "perplexity: how well does the model foresee reports of the films' true findings?"
    },
    mixinStandardHelpOptions = true)
final class EvaluateCommand implements Callable<Integer> {
  private enum Protocol {
    VIEW,
    EDIT,
    REPORT,
    PERPLEXITY
  }

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--protocol", required = true, description = "${COMPLETION-CANDIDATES}")
  private Protocol protocol = Protocol.VIEW;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DIR",
      description = "A folder with labels.csv and images/ (NIH ChestX-ray14).")
  private Path data = Path.of("");

  @Option(
      names = "--fold",
      paramLabel = "K",
      defaultValue = "0",
      description = "Default: 0, which models/mini never saw.")
  private int fold;

  @Option(
      names = "--films",
      paramLabel = "N",
      defaultValue = "2147483647",
      description = "So many films, drawn with --seed (default: all of the fold).")
  private int films;

  @Option(
      names = "--control",
      paramLabel = "C",
      defaultValue = "none",
      description = {
        "A part to take from the model, after which a protocol must fail:",
        "none, zero_image or random_adapter (default: none)."
      })
  private Control control = Control.NONE;

  @Option(
      names = "--compare",
      paramLabel = "P",
      split = ",",
      description = {
        "Of perplexity: other precisions on the same reports, with their ratios",
        "to the one of --precision."
      })
  private List<Precision> compare = List.of();

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    if (protocol != Protocol.PERPLEXITY && !compare.isEmpty()) {
      String message = "--compare belongs to --protocol perplexity alone";
      throw spec == null
          ? new IllegalArgumentException(message)
          : new ParameterException(spec.commandLine(), message);
    }
    List<Film> chosen = chosen();
    Progress progress = Terminal.progress();
    Map<String, Object> scores;
    double foreseen = Double.NaN;
    ObjectNode settings = Json.object();
    try (RaDialog radialog = RaDialog.load(model.folder(), model.options().with(control))) {
      scores =
          switch (protocol) {
            case VIEW -> view(Protocols.view(radialog, chosen, model.seed(), progress));
            case EDIT -> edit(Protocols.edit(radialog, chosen, model.seed(), progress));
            case REPORT -> report(Protocols.report(radialog, chosen, progress));
            case PERPLEXITY -> {
              Protocols.PerplexityResult r =
                  Protocols.perplexity(radialog, chosen, model.seed(), progress);
              foreseen = r.score().perplexity();
              yield perplexity(r);
            }
          };
      settings
          .put("protocol", protocol.name().toLowerCase(Locale.ROOT))
          .put("fold", fold)
          .put("seed", model.seed())
          .put("control", control.name().toLowerCase(Locale.ROOT))
          .put("model", radialog.config().id())
          .put("version", radialog.config().version())
          .put("precision", radialog.precision().label());
    }
    for (Precision precision : compare) {
      scores.putAll(compared(precision, foreseen, chosen, progress));
    }
    if (json) {
      ObjectNode root = Json.object();
      root.set("scores", Json.tree(scores));
      root.set("settings", settings);
      root.put("notice", Notice.RESEARCH_USE);
      System.out.println(root);
    } else {
      scores.forEach((name, value) -> System.out.printf("%-18s %s%n", name, value));
      System.out.println(Notice.RESEARCH_USE);
    }
    return Main.DONE;
  }

  // After the first model is closed: the memory is for one.
  private Map<String, Object> compared(
      Precision precision, double first, List<Film> chosen, Progress progress) {
    try (RaDialog radialog =
        RaDialog.load(model.folder(), model.options().with(control).with(precision))) {
      double perplexity =
          Protocols.perplexity(radialog, chosen, model.seed(), progress).score().perplexity();
      return Map.of(
          precision.label() + "_perplexity",
          fine(perplexity),
          precision.label() + "_ratio",
          fine(perplexity / first));
    }
  }

  private List<Film> chosen() {
    Folds folds = Folds.nih14();
    if (fold < 0 || fold >= folds.count()) {
      throw new RadialogException("--fold is " + fold + ", expected 0 to " + (folds.count() - 1));
    }
    List<Film> all = new ArrayList<>(folds.films(NihDataSet.read(data).films(), fold));
    if (all.isEmpty()) {
      throw new RadialogException(data + " has no film of fold " + fold);
    }
    if (films < all.size()) {
      Collections.shuffle(all, new Random(model.seed()));
      return List.copyOf(all.subList(0, films));
    }
    return List.copyOf(all);
  }

  private static Map<String, Object> view(Protocols.ViewResult r) {
    Map<String, Object> scores = new TreeMap<>();
    scores.put("films", r.films());
    scores.put("accuracy", Json.rounded(r.accuracy()));
    scores.put("accuracy_of_other", Json.rounded(r.accuracyOfOther()));
    scores.put("difference", Json.rounded(r.difference()));
    scores.put("unclear", r.unclear());
    return scores;
  }

  private static Map<String, Object> edit(Protocols.EditResult r) {
    Map<String, Object> scores = new TreeMap<>();
    scores.put("films", r.films());
    scores.put("added", r.added());
    scores.put("added_stated", Json.rounded(r.addedStated()));
    scores.put("removed", r.removed());
    scores.put("removed_gone", Json.rounded(r.removedGone()));
    scores.put("others_unchanged", Json.rounded(r.othersUnchanged()));
    return scores;
  }

  private static Map<String, Object> report(Protocols.ReportResult r) {
    Map<String, Object> scores = new TreeMap<>();
    scores.put("films", r.films());
    scores.put("unfounded", r.unfounded());
    scores.put("repeating", r.repeating());
    scores.put("shortest_words", r.shortest());
    scores.put("distinct", r.distinct());
    scores.put("agreement", Json.rounded(r.agreement()));
    scores.put("offending", r.offending());
    return scores;
  }

  private static Map<String, Object> perplexity(Protocols.PerplexityResult r) {
    Map<String, Object> scores = new TreeMap<>();
    scores.put("films", r.films());
    scores.put("tokens", r.score().tokens());
    scores.put("mean_nll", fine(r.score().mean()));
    scores.put("perplexity", fine(r.score().perplexity()));
    return scores;
  }

  // Precisions differ in the third decimal.
  private static double fine(double value) {
    return Math.round(value * 1e6) / 1e6;
  }
}
