package org.radialog.paper;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.radialog.clinical.Finding;
import org.radialog.clinical.RuleLabeler;
import org.radialog.language.KvCache;
import org.radialog.language.LanguageDecoder;
import org.radialog.language.Llama;
import org.radialog.language.LlamaInput;
import org.radialog.metrics.MultiLabel;
import org.radialog.text.TextTokenizer;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * Reports that the network in training writes about a few validation films, and the agreement of
 * their findings with the labels of the films' own reports. Nothing random is drawn, and no weights
 * are copied.
 *
 * <p>B films of a group, Q image tokens, D width of the language model.
 */
final class SampleReports {
  private final List<Film> films;
  private final int group;
  private final int longest;
  private final TextTokenizer tokenizer;
  private final int end;
  private final RuleLabeler labeler = new RuleLabeler();

  /**
   * A film about which a report is written.
   *
   * @param dialog the dialog with the film's own report, of which only the prompt is read
   * @param findings the findings whose label is 1 in the film's own report
   */
  record Film(VicunaLayout.Tokens dialog, Set<Finding> findings) {}

  /** The image tokens of films, {@code [B, Q, D]}. */
  @FunctionalInterface
  interface ImageTokens {
    Tensor of(List<Path> films);
  }

  /**
   * Creates the sample.
   *
   * @param group number of reports that are written together, whose caches are in memory at the
   *     same time
   * @param longest maximum number of tokens of a report
   * @param end token that ends a report
   */
  SampleReports(List<Film> films, int group, int longest, TextTokenizer tokenizer, int end) {
    this.films = List.copyOf(films);
    this.group = group;
    this.longest = longest;
    this.tokenizer = tokenizer;
    this.end = end;
  }

  boolean isEmpty() {
    return films.isEmpty();
  }

  /**
   * Writes all reports greedily. Groups have a fixed order, because the last bits of a product
   * depend on the number of its rows; an engine would form batches by the clock.
   *
   * @param written called after each group
   * @return one report per film, without the end token
   */
  List<String> write(Llama llama, ImageTokens images, Runnable written) {
    List<String> reports = new ArrayList<>();
    for (int from = 0; from < films.size(); from += group) {
      reports.addAll(
          write(films.subList(from, Math.min(films.size(), from + group)), llama, images));
      written.run();
    }
    return reports;
  }

  /** The scores of reports, one per film, with a finding claimed where a report states it. */
  MultiLabel agreement(List<String> reports) {
    MultiLabel.Builder rows = new MultiLabel.Builder();
    for (int i = 0; i < films.size(); i++) {
      rows.add(films.get(i).findings, labeler.label(reports.get(i)).present());
    }
    return rows.build();
  }

  private List<String> write(List<Film> some, Llama llama, ImageTokens images) {
    List<Report> reports = new ArrayList<>();
    try {
      for (Film _ : some) {
        reports.add(new Report(new KvCache(llama.cacheShape()), new ArrayList<>()));
      }
      List<float[]> logits =
          llama.prefill(
              reports.stream().map(Report::cache).toList(), prompts(some, images)); // B · [V]
      List<Report> open = List.copyOf(reports);
      for (int length = 0; length < longest; length++) {
        open = chosen(open, logits, llama);
        if (open.isEmpty() || length + 1 == longest) {
          break;
        }
        logits = open.stream().map(_ -> new float[llama.vocab()]).toList();
        llama.step(
            open.stream().mapToInt(report -> report.ids.getLast()).toArray(),
            open.stream().map(Report::cache).toList(),
            logits.toArray(float[][]::new));
      }
      return reports.stream().map(report -> tokenizer.decode(report.array())).toList();
    } finally {
      reports.forEach(report -> report.cache.close());
    }
  }

  // Adds the likeliest token to each report; returns those that go on.
  private List<Report> chosen(List<Report> open, List<float[]> logits, Llama llama) {
    int choices = Math.min(tokenizer.size(), llama.vocab());
    List<Report> left = new ArrayList<>();
    for (int i = 0; i < open.size(); i++) {
      Report report = open.get(i);
      int token = LanguageDecoder.likeliest(logits.get(i), choices);
      if (token != end) {
        report.ids.add(token);
        if (report.cache.length() < llama.cacheShape().positions()) {
          left.add(report);
        }
      }
    }
    return left;
  }

  private static List<List<LlamaInput>> prompts(List<Film> some, ImageTokens images) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor tokens = images.of(some.stream().map(film -> film.dialog.film()).toList());
      int queries = (int) tokens.size(1);
      List<List<LlamaInput>> prompts = new ArrayList<>();
      for (int i = 0; i < some.size(); i++) {
        VicunaLayout.Tokens dialog = some.get(i).dialog;
        int imageAt = dialog.imageAt();
        prompts.add(
            List.of(
                new LlamaInput.Tokens(Arrays.copyOf(dialog.ids(), imageAt)),
                new LlamaInput.Embeddings(Torch.floats(tokens.select(0, i)), queries), // [Q, D]
                new LlamaInput.Tokens(
                    Arrays.copyOfRange(dialog.ids(), imageAt + queries, dialog.answerAt()))));
      }
      return prompts;
    }
  }

  /** A report being written; the cache has the prompt and all its tokens but the last. */
  private record Report(KvCache cache, List<Integer> ids) {
    int[] array() {
      return ids.stream().mapToInt(Integer::intValue).toArray();
    }
  }
}
