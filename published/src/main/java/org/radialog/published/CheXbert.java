package org.radialog.published;

import static org.bytedeco.pytorch.global.torch.cat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.language.Bert;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * CheXbert (arXiv 2004.09167): BERT with a head for each of 14 findings on its first token. Names
 * are those in the {@code model_state_dict} of {@code chexbert.pth}, after {@code module.}.
 *
 * <p>B reports.
 */
public final class CheXbert {
  /**
   * The findings in the order of the heads; No Finding, the last, has only the classes blank and
   * present.
   */
  public static final List<Finding> HEADS =
      List.of(
          Finding.ENLARGED_CARDIOMEDIASTINUM,
          Finding.CARDIOMEGALY,
          Finding.LUNG_OPACITY,
          Finding.LUNG_LESION,
          Finding.EDEMA,
          Finding.CONSOLIDATION,
          Finding.PNEUMONIA,
          Finding.ATELECTASIS,
          Finding.PNEUMOTHORAX,
          Finding.PLEURAL_EFFUSION,
          Finding.PLEURAL_OTHER,
          Finding.FRACTURE,
          Finding.SUPPORT_DEVICES,
          Finding.NO_FINDING);

  private static final List<FindingState> STATES =
      List.of(
          FindingState.NOT_MENTIONED,
          FindingState.PRESENT,
          FindingState.ABSENT,
          FindingState.UNCERTAIN);

  private static final Pattern SPACES =
      Pattern.compile("[\\s\\x1c-\\x1f]+", Pattern.UNICODE_CHARACTER_CLASS);

  private final Bert bert;
  private final List<Linear> heads;

  private CheXbert(Bert bert, List<Linear> heads) {
    this.bert = bert;
    this.heads = heads;
  }

  /**
   * The network; its tensors belong to {@code p}.
   *
   * @param p at {@code module.}
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static CheXbert of(Parameters p, Bert.Config c) {
    return new CheXbert(
        Bert.of(p.at("bert."), c),
        IntStream.range(0, HEADS.size())
            .mapToObj(i -> Linear.of(p.at("linear_heads." + i + "."), c.hidden(), classes(i)))
            .toList());
  }

  private static int classes(int head) {
    return HEADS.get(head) == Finding.NO_FINDING ? 2 : 4;
  }

  /** A report in the format that CheXbert was trained on: on one line, without double spaces. */
  public static String prepared(String report) {
    return SPACES.matcher(report).replaceAll(" ").strip();
  }

  /**
   * Maps rows of token ids that begin with [CLS] to the logits of all heads side by side, [B, 13 ·
   * 4 + 2].
   */
  public Tensor logits(List<int[]> rows) {
    try (Scope scope = new Scope()) {
      Tensor cls = bert.forward(rows).select(1, 0); // [B, D]
      TensorVector all = new TensorVector();
      for (Linear head : heads) {
        all.push_back(head.forward(cls)); // [B, 4] or [B, 2]
      }
      return scope.keep(cat(all, 1));
    }
  }

  /**
   * The result of each head for each report, in the order of {@link #HEADS}: the most likely of
   * blank, present, absent and uncertain.
   *
   * @param rows token ids of a report, with [CLS] first and [SEP] last
   */
  public List<List<FindingState>> states(List<int[]> rows) {
    if (rows.isEmpty()) {
      return List.of();
    }
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor logits = logits(rows);
      float[] values = Torch.floats(logits);
      int width = Math.toIntExact(logits.size(1));
      List<List<FindingState>> states = new ArrayList<>();
      for (int b = 0; b < rows.size(); b++) {
        states.add(states(Arrays.copyOfRange(values, b * width, (b + 1) * width)));
      }
      return states;
    }
  }

  private static List<FindingState> states(float[] logits) {
    List<FindingState> states = new ArrayList<>();
    int at = 0;
    for (int head = 0; head < HEADS.size(); head++) {
      int best = 0;
      for (int k = 1; k < classes(head); k++) {
        if (logits[at + k] > logits[at + best]) {
          best = k;
        }
      }
      at += classes(head);
      states.add(STATES.get(best));
    }
    return states;
  }
}
