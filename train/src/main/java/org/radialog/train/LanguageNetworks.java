package org.radialog.train;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.bytedeco.pytorch.Tensor;
import org.radialog.clinical.Finding;
import org.radialog.language.Llama;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.Precision;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.vision.QFormer;
import org.radialog.vision.QueryProjector;

/**
 * The networks shared by the alignment and language stages, with one set of parameters.
 *
 * @param findings head on the mean of the queries, used in the alignment stage only
 * @param view head on the mean of the queries, used in the alignment stage only
 */
record LanguageNetworks(
    Parameters parameters, QueryProjector alignment, Linear findings, Linear view, Llama llama)
    implements AutoCloseable {
  /** Creates new networks for a base model; all their trained tensors require a gradient. */
  static LanguageNetworks of(Recipe recipe, LlamaWeights base) {
    ModelSpec model = recipe.model();
    Parameters p = Parameters.fresh(recipe.seed());
    QFormer queries =
        QFormer.of(p.at("qformer."), model.alignment(), model.image().patchChannels());
    LanguageNetworks networks =
        new LanguageNetworks(
            p,
            QueryProjector.of(p.at("projector."), queries, base.config().hidden()),
            Linear.of(p.at("heads.findings."), model.alignment().hidden(), Finding.COUNT),
            Linear.of(p.at("heads.view."), model.alignment().hidden(), 1),
            LlamaLoading.adapted(base, model.adapter(), p.at("language."), Precision.BF16));
    p.trainable(name -> true);
    return networks;
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
