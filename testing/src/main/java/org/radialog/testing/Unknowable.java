package org.radialog.testing;

import java.util.regex.Pattern;

/** Words that a text made from labels must not contain. */
public final class Unknowable {
  /** What neither the labels nor the view of a film tell. */
  public static final Pattern WORDS =
      Pattern.compile(
          "\\b(?:left|right|bilateral|unilateral|both|side|sided|upper|lower|middle|basal|bibasilar"
              + "|apical|base|bases|lobe|lobar|hilar|retrocardiac"
              + "|small|large|tiny|big|minimal|mild|mildly|moderate|moderately|severe|marked|massive"
              + "|subtle|trace|size|cm|mm"
              + "|tubes?|lines?|catheters?|pacemakers?|devices?|wires?|leads?|clips?|stents?|port"
              + "|fractures?|fractured|bones?|osseous|ribs?"
              + "|unchanged|stable|new|newly|interval|previous|previously|prior|comparison|compared"
              + "|again|now|still|increas\\w*|decreas\\w*|improv\\w*|worsen\\w*|persist\\w*|remains?"
              + "|resol\\w*|progress\\w*|since|earlier|chronic|acute|old"
              + "|age|aged|year|years|elderly|young|man|woman|male|female|boy|girl|he|she|his|her)\\b"
              + "|[0-9]",
          Pattern.CASE_INSENSITIVE);

  private Unknowable() {}
}
