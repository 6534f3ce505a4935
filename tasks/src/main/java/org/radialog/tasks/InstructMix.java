package org.radialog.tasks;

import java.util.List;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.tasks.InstructDialog.Task;

/**
 * Shares of the instruction tasks, each from 0 to 1.
 *
 * @param report dialogs that consist of one report
 * @param reportDialog dialogs of a report and further turns; the remaining dialogs are questions
 *     without a report
 * @param withoutFilm dialogs whose prompt shows no film; the answers say so
 * @param withoutFindings dialogs about a film whose prompt does not name the findings
 * @param fromFilm whether the answers about such a film tell its findings; otherwise they say that
 *     no findings were given
 * @param edited share of the others in which a few labels are added or removed at random
 * @param random share of the others in which all labels are drawn at random
 * @param predicted share of the findings of a film that are taken from a classifier that was not
 *     trained on it, if there is one; otherwise from the data set
 * @param correction share of the turns after a report that correct it, at most once per dialog
 * @param opening the tasks that begin a dialog without a report; the last one takes the remaining
 *     share
 * @param further the tasks of later turns, each at most once per dialog; a repeatable task must
 *     come last; the share of a task that was already asked goes to the tasks after it
 */
public record InstructMix(
    double report,
    double reportDialog,
    double withoutFilm,
    double withoutFindings,
    boolean fromFilm,
    double edited,
    double random,
    double predicted,
    double correction,
    List<Share> opening,
    List<Share> further) {
  /**
   * How often a task is asked.
   *
   * @param task its name, that of a {@link Task} in lower case
   * @param share of the turns, from 0 to 1
   */
  public record Share(String task, double share) {
    /**
     * Checks the name.
     *
     * @throws RadialogException if there is no such task
     */
    public Share {
      Task.named(task);
    }

    Task of() {
      return Task.named(task);
    }
  }

  /** The mix that the embedded model is trained with. */
  public static final InstructMix DEFAULT =
      new InstructMix(
          0.22,
          0.34,
          0.04,
          0.06,
          false,
          0.3,
          0.25,
          0.6,
          0.3,
          List.of(
              new Share("binary", 0.42),
              new Share("normal", 0.08),
              new Share("view", 0.1),
              new Share("list", 0.07),
              new Share("region", 0.06),
              new Share("impression", 0.03),
              new Share("summary", 0.03),
              new Share("easy", 0.03),
              new Share("knowledge", 0.03),
              new Share("not_assessed", 0.05),
              new Share("outside", 0.1)),
          List.of(
              new Share("view", 0.06),
              new Share("list", 0.08),
              new Share("normal", 0.04),
              new Share("region", 0.06),
              new Share("impression", 0.08),
              new Share("summary", 0.06),
              new Share("easy", 0.07),
              new Share("sure", 0.06),
              new Share("why", 0.07),
              new Share("knowledge", 0.04),
              new Share("not_assessed", 0.08),
              new Share("outside", 0.08),
              new Share("binary", 0.22)));

  /**
   * Checks the shares.
   *
   * @throws RadialogException if one is not a valid share, or if two exclusive shares exceed 1 in
   *     total
   */
  public InstructMix {
    for (double share :
        new double[] {
          report, reportDialog, withoutFilm, withoutFindings, edited, random, predicted, correction
        }) {
      if (!(share >= 0 && share <= 1)) {
        throw new RadialogException(
            Kind.REFUSED_DATA, "mix has the share " + share + ", expected from 0 to 1");
      }
    }
    if (report + reportDialog > 1 || edited + random > 1) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "mix has report + report_dialog = %s and edited + random = %s, expected at most 1 each"
              .formatted(report + reportDialog, edited + random));
    }
    opening = requireWhole("opening", opening);
    further = requireWhole("further", further);
    if (!further.getLast().of().task().repeatable()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "mix.further ends with %s, expected a task that may be asked again"
              .formatted(further.getLast().task()));
    }
  }

  private static List<Share> requireWhole(String field, List<Share> shares) {
    double sum = shares.stream().mapToDouble(Share::share).sum();
    if (shares.stream().anyMatch(s -> !(s.share() >= 0)) || !(Math.abs(sum - 1) < 1e-9)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "mix.%s has the shares %s, expected none below 0 and 1 together"
              .formatted(field, shares.stream().map(Share::share).toList()));
    }
    return List.copyOf(shares);
  }
}
