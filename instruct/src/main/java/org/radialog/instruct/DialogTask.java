package org.radialog.instruct;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

/**
 * A task of the instruct data set: a kind of request about an image or its report, and its answer.
 * To add a task, implement this interface and register the class in {@link DialogMix#TASKS}; its
 * share and its data sets are configured in a {@link DialogMix}.
 *
 * <p>Tasks are stateless: the result depends only on the case and on the given random numbers.
 */
public interface DialogTask {
  /** The name in mixes and files, for example {@code easy_language}. */
  String name();

  /** Whether the request refers to a report, so that the dialog must begin with the report. */
  boolean ofReport();

  /** The request and its answer; empty if the task is not applicable to the case. */
  Optional<Request> ask(Case about, Asking how);

  /**
   * A request about a case.
   *
   * @param reply the answer
   * @param before the preceding report if it is not that of the case
   * @param asked the finding that is asked about, and the answer
   */
  record Request(String text, Reply reply, Optional<WrongReport> before, Optional<Asked> asked) {
    static Request of(String text, String answer) {
      return of(text, new Reply.Known(answer));
    }

    static Request of(String text, Reply reply) {
      return new Request(text, reply, Optional.empty(), Optional.empty());
    }

    Request about(Finding finding, Verdict verdict) {
      return new Request(text, reply, before, Optional.of(new Asked(finding, verdict)));
    }

    Request after(WrongReport wrong) {
      return new Request(text, reply, Optional.of(wrong), asked);
    }
  }

  /**
   * A report with errors.
   *
   * @param missing findings that it should state
   * @param added findings that it should not state
   */
  record WrongReport(String text, Set<Finding> missing, Set<Finding> added) {}

  /** What the answer to a question for a finding says. */
  enum Verdict {
    YES,
    NO,
    UNCERTAIN,
    /** The view does not show it. */
    NOT_VISIBLE
  }

  /** A question for one finding. */
  record Asked(Finding finding, Verdict verdict) {}

  /** A known answer, or one that a language model must write. */
  sealed interface Reply {
    /** The answer is known. */
    record Known(String text) implements Reply {}

    /**
     * A language model must write the answer.
     *
     * @param conversation messages of user and assistant in turn; the first and the last are the
     *     user's
     */
    record Sought(List<String> conversation) implements Reply {
      public Sought {
        conversation = List.copyOf(conversation);
      }
    }
  }

  /**
   * Improvements over the published data set.
   *
   * @param sentences answers are sentences; otherwise, as published, {@code yes}, {@code no} and
   *     labels separated by commas
   * @param uncertain uncertain labels are called possible in lists, questions and answers;
   *     otherwise they count as absent
   * @param balanced equally many yes and no answers for each finding
   * @param views findings that a view does not show are answered as not visible on this view
   * @param withoutComparisons sentences that compare with an earlier film are removed, because no
   *     earlier film is given
   * @param supportedOnly sentences and answers of a model that contradict the labels are removed
   */
  record Switches(
      boolean sentences,
      boolean uncertain,
      boolean balanced,
      boolean views,
      boolean withoutComparisons,
      boolean supportedOnly) {}

  /**
   * The context of one request.
   *
   * @param random random numbers of this case and task
   * @param prompts key, which begins with the name of the task → wordings
   * @param afterReport whether the dialog begins with the report
   * @param finding the finding to ask about, if it was chosen to balance yes and no
   */
  record Asking(
      SplittableRandom random,
      Map<String, List<String>> prompts,
      Switches switches,
      boolean afterReport,
      Optional<Finding> finding) {

    /** One of the wordings under a key. */
    String prompt(String key) {
      List<String> wordings = prompts.get(key);
      if (wordings == null || wordings.isEmpty()) {
        throw new RadialogException(
            "the prompts have no wording for %s: expected at least one".formatted(key));
      }
      return pick(wordings);
    }

    <T> T pick(List<T> options) {
      return options.get(random.nextInt(options.size()));
    }

    /** One of them; never of an empty set. */
    Finding pick(Set<Finding> options) {
      return pick(List.copyOf(options));
    }

    /** The findings that are left open, where the switch has them so. */
    Set<Finding> uncertain(Case about) {
      return switches.uncertain() ? about.uncertain() : Set.of();
    }
  }

  /** A finding as the published prompts name it in running text. */
  static String lowerCase(Finding finding) {
    return finding.label().toLowerCase(Locale.ROOT);
  }

  /** {@code a, b and c} of labels in lower case, as the published prompts have it. */
  static String labels(Set<Finding> findings) {
    List<String> names = findings.stream().map(DialogTask::lowerCase).toList();
    return names.size() < 2
        ? String.join("", names)
        : names.subList(0, names.size() - 1).stream().collect(Collectors.joining(", "))
            + " and "
            + names.getLast();
  }

  /** The findings with their articles, what is open as possible; none where there are none. */
  static String named(Set<Finding> present, Set<Finding> uncertain) {
    List<String> names =
        Stream.concat(
                present.stream().map(ReportGrammar::withArticle),
                uncertain.stream().map(finding -> "possible " + ReportGrammar.name(finding)))
            .toList();
    return ReportGrammar.join(names, "and");
  }

  /** The findings of a case in a state that are among some. */
  static Set<Finding> among(Case about, FindingState state, Set<Finding> some) {
    var found = EnumSet.noneOf(Finding.class);
    found.addAll(about.in(state));
    found.retainAll(some);
    return found;
  }

  /** What a language model is asked for a text about a report, as the original asked Vicuna. */
  static Reply.Sought ofReport(Case about, String prompt) {
    return new Reply.Sought(List.of("Report: " + about.report() + "\n" + prompt));
  }
}
