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
 * One kind of request about an image or its report, and its answer: a task of the instruct data
 * set. A new one is a class of its own and a line in {@link DialogMix#TASKS}; how often it is asked
 * and of which data sets says a {@link DialogMix}.
 *
 * <p>A task keeps nothing: what it says depends on the case and on the random numbers that it is
 * given.
 */
public interface DialogTask {
  /** Its name in a mix and in files, for example {@code easy_language}. */
  String name();

  /** Whether it speaks of a report, which then has to stand before it. */
  boolean ofReport();

  /** The request and its answer; empty where this case has nothing for the task. */
  Optional<Request> ask(Case about, Asking how);

  /**
   * A request about a case.
   *
   * @param reply the answer
   * @param before the report before it, where that is not the case's own
   * @param asked the one finding that it is about, and what is true of it
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

  /** An answer that is there, or one that a language model is to write. */
  sealed interface Reply {
    /** The answer is known. */
    record Known(String text) implements Reply {}

    /**
     * The answer is to be written by a model.
     *
     * @param conversation user and assistant in turn, the user first and last
     */
    record Sought(List<String> conversation) implements Reply {
      public Sought {
        conversation = List.copyOf(conversation);
      }
    }
  }

  /**
   * What is better than in the published data set, each to be switched off.
   *
   * @param sentences answers are sentences; otherwise as published: {@code yes} and {@code no}, and
   *     labels with commas between them
   * @param uncertain what the labels leave open is left open in lists, questions and answers;
   *     otherwise it counts as absent
   * @param balanced as many questions are answered yes as no, for each finding
   * @param views what a view does not show is said to be not visible on it
   * @param withoutComparisons sentences that compare with an earlier film are left out, since none
   *     is given
   * @param supportedOnly sentences that the labels contradict are left out, and answers of a model
   *     that do
   */
  record Switches(
      boolean sentences,
      boolean uncertain,
      boolean balanced,
      boolean views,
      boolean withoutComparisons,
      boolean supportedOnly) {}

  /**
   * How a task is asked once.
   *
   * @param random for this case and this task alone
   * @param prompts key, which begins with the task's name → wordings
   * @param afterReport whether a report stands before it
   * @param finding what is to be asked for, where the balance of yes and no has chosen it
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
