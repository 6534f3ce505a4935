package org.radialog.train;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.bytedeco.pytorch.Tensor;
import org.radialog.clinical.Finding;
import org.radialog.language.Llama;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.Precision;
import org.radialog.torch.Bf16;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.vision.Alignment;
import org.radialog.vision.QFormer;
import org.radialog.vision.QueryProjector;

/**
 * The networks shared by the alignment and language stages, with one set of parameters.
 *
 * @param findings head on the mean of the queries (of an MLP: of its image tokens), used in the
 *     alignment stage only
 * @param view head on the same mean, used in the alignment stage only
 */
record LanguageNetworks(
    Parameters parameters, Alignment alignment, Linear findings, Linear view, Llama llama)
    implements AutoCloseable {
  /** Creates new networks for a base model; all their trained tensors require a gradient. */
  static LanguageNetworks of(Recipe recipe, LlamaWeights base) {
    ModelSpec model = recipe.model();
    Parameters p = Parameters.fresh(recipe.seed());
    int hidden = base.config().hidden();
    Alignment alignment = model.alignment().network(p, model.image().vision(), hidden);
    int width = model.alignment() instanceof QFormer.Config queries ? queries.hidden() : hidden;
    LanguageNetworks networks =
        new LanguageNetworks(
            p,
            alignment,
            Linear.of(p.at("heads.findings."), width, Finding.COUNT),
            Linear.of(p.at("heads.view."), width, 1),
            LlamaLoading.adapted(
                base,
                model.adapter(),
                p.at("language."),
                Bf16.isFast() ? Precision.BF16 : Precision.FP32));
    p.trainable(name -> true);
    return networks;
  }

  /**
   * The mean over the queries of patches {@code [B, P, h, w]}, or over the image tokens of an MLP:
   * {@code [B, D]}.
   */
  Tensor mean(Tensor patches, double dropout) {
    Tensor read =
        alignment instanceof QueryProjector queries
            ? queries.qformer().forward(patches, dropout) // [B, Q, D]
            : alignment.forward(patches, dropout); // [B, h·w, D]
    return read.mean(1);
  }

  /** All parameters under their names in a checkpoint. */
  SequencedMap<String, Tensor> tensors() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    parameters.named().forEach((name, tensor) -> tensors.put("current." + name, tensor));
    return tensors;
  }

  @Override
  public void close() {
    llama.close();
    parameters.close();
  }
}
