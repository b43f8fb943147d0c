"""What `benchmarks/fit_negatives.py` fitted: made by it, not written by hand."""

from typing import Final

SIEVE_FROM: Final = -0.8175
PROBE_FROM: Final = 0.8616
SIEVE_WEIGHTS: Final = (
    "vNc?^gS7OxBQ&hG%r$j3r8b^BZLpg>sjl)qH^TZw2f$sh3^v$1;yuJWjKUjnw7#1koSK)lbF;j+$0`7}r?ok*Xt@"
    "iz_^@s>)3&a&Rkuer#Wy~#thB4JVzN%OiZwGmV<~O8h`f@lZ8>T)-zw0!;x~4w{5lUg;<QdTOE^NkJ+m3Q!o3T##"
    "<jmYM>VIx={k<R9irF3rZ&?zxjlZrM?Nt+8Nj+ZC9vr{$GYM{jzMcbP_(u>#X;-7`M_L2C_Oy6)h#Zxu(Elv;;=n"
    "7bTWlBm9XhId#nd83aqg}NI;6b(YQuBPB~D*YQtv1s6hNTX2cz}biq+b4K=+bzO0Tl_AvIefv%FYY&5Mf;4S~HDX"
    "tPRkvfg5Ila0!Hao||X1*H0Oh0X;BEZ8sE4fCiQZ_6!O*1vEWHMW(ZnlK1MKy;kBc!IVDzx{teLq4x(y$6RS3P<;"
    "$HB6@ggUP^Ybb`e0yEP*YOkX)=`!9wmq3uh@U%8CGP2gT{6zCX*tW$fM7Hg}cSRsX$~}3u4L{;B@WrLU^}w<=zP$"
    "^;5V<9~"
)
PROBE_WEIGHTS: Final = (
    "svgRp2^glO!xh6AZmSBa%$PGGSSXAjsGZcL2B=jJm?sFB>Zz!nBPFMy_ne_9il<bcuP1*fg(<qAjk2XHE~x93fUu"
    "7xP@Czd<QR>f5Ul4Z+$89zS1*(*aVa|_`J>g0<e5aEI-X1?gQEtBX{3dwkgX9K93cFnsHB0NP@~b74j|$r)FGN8U"
    "?smEx~b<T8kmMDni$U_3zXv}o*hLT_$M2miyh-7ZKQ>$l9NxYN1*|xG$B^1QY130geZh0RT(Cw46HH~eJc2_FeM1"
    "7){zt*x+Jk90k4ald#X<=tEq;kh$Z?chM!ce&@ZJf*p(Wk1SJP7XDk06O{_2@ASrdMZl5VC5-Dh~6RNSVqNVVy>a"
    "FjqVlXwdkSy$zEUfIHYo%bKJt$No;;4<G8=T`NRjj+MD=XKd4JS{j`J^S7PpXb9@+dzfU?v5f5}-1aXDNjs2qT~)"
    "d?tM+7NsO1=qarus-!Nf{+<!7VUWBVHZKb-vKlxWFd)1ix+)Vb(T~U?|Dn?)t}5Cp;v}}5p(>ZGZy`u0ucb99^d#"
    "Mz*e~Uz$fpLR(=03?H7IzhBBq^`Mz5MCGaHARC#ut!vMh!Op`j@(BPA0hr6f0<su}yFN3A}nCZJF&JtX!g#j4;Q3"
    "7-I}2OBsjPpNvVlOedRzNY{h1tU9~H>QA^5UVUM%%txsY%1QMkfn!}Eu|@>*d-z*1*cvjF{~D<4<G6*=p}`yJE?N"
    "1&m=jh+#sr|6{Rkyr>8qAtfv;FStQ}Fq^y^yNUH6nDXfAi*P|G(Gp0bKv?7%$ouNk=ey_Z+7NrIy_pL;wup^+TUa"
    "SkSKqZTyTP&I)Tqj5`^{db-xuo$Uk*ohGnk4C)ucQebPp1Z^O0JPC-=I;WEvU*L^&_vTXc&sA$EA0t+o;N{xg#yF"
    "sv)~1ey>WYSgW_6{EQH!<)nYCcBBa>Zmi9r;ij3TDl6Qu0IQ@c1FX}h*r_F}tSMO|{31^$hNVZV<|r<zyCvtRQ=P"
    "n`;-ze&ydWJ20U~suwkiuAc_5V|{HC3uC8O#l(kxskW~m~jRVEy$h@#=A1*&x=kD+v^<RBCy8!VTorlvk3`lJ~p5"
    "u!C74k%qIh^8|qawi=uP^2p+HX;NiU7@U{rX}$cEuk_T@TLZ%n34=Ao}g1EYNpU1pQw^1&nh&e1S!a-$s%v1IT%c"
    "#y`dc^5~|plQl{G|>?QY{=9wuTp`r1poG5r7`yz0lmz|cK2q7k*of&wk&Zr`w*`?x#tEESnpCq3o+$oo-;vo2+=O"
    "A$$jV8jWHzJp!UZ02~Zyqfn=_gyQgd3-$S|t6X-4+ZcGo2WsAEqfP{1XPIO{%M(M5d}Ei=>CA0IF@LjiI=xH769J"
    "L6gv*C#iuRAE&@3v>*DWjV0<8Pa)eSRw4o&-=|h9ucoM`c%)(+#;I{5IVjg8k)X96$R!h~oGE-HT9s%KE}!Wq%Ax"
    "J6Ngn*CLZ#TKDXE_xXr2<Pqa;(N#wYBhf+@zR>mVwY;if^O3Li0~?HjBmeI(bN`yL4<6DSR#TOu_jW+`Ht$0*Vt3"
    "MXD5)2Ef7o2NgbnI<YCqaEcWn<`MJl%*6K3@Y)Q0;(FT?VN}z1)Co!YNM~9_8@~PiYZ?luBQK-4Vkp4?<ivd?4R2"
    "pDwG2zpQxZCW}hFM->Uv2RxIZw375#IuBmsVeIk=7T_)ZoJ*CZ_t(<Emo+^c;8K%!4BO^<YCMBz-85KzrcA^s*-="
    "-TQrm3YU?IB~N9wR@ZMWGL*$D9tN=%p$oDxv%*$R%kbFDYQEf2-3THlbQ63niBwaiPPa$D3WEUnSZoyCfH-$DvlH"
    "9;9?7g(*oSPbT9iyPBpYcA`QfH6n5yrl8uME*w-LHlf5NC8&rKkDp#3nWTv(L!vaIg`s;P9GGt(?4v-a<|I%n0kB"
    "}L0~{x*!7Om6%r0IqxhPRAz$}TW`6Wf7{HH{bcdSvVX{(SdRH>sY%qLndtSOl&SghKwM=9T?jtr8kY^=T~p{0kg5"
    "igf4nk?S3z$%-rkSqwWk1zwU5+aJJ86z_-BCy@7>Z)0=t1Ex6%Pd$fJFo(%-z7t*aI6z3N1+%fk*=yJb*gi$nj_?"
    "?`LAWG&oJezE3FnO4lU8E#iMa5gsg9<`mI2);i%;wD6KWH$0YTsJRw=K=P-IBT&c&Y4JAM=tenxLOs4jxr6znR=q"
    "#<Timj0(aiDLLFRHj9@2GMlW2|VTVyxAh1Ef?coUUIkfUyWFZ7Zp+-Ye6ggRDy_%r3?nMV<Piq%2z{v?L=I{UnPj"
    "v#{kIS}1g?IVxnVo-RtNwj@Fo7pMX&I+Q%5nW$&5qowDl>ZTa1>J>Ae46k1)+zi?&)hoxU_ALaPE~IZQKr8C7>7n"
    "DSohRZfGph%$Gpz_L)})mpO{Vp(qOBM#eJo8c?k=mTA+p-6RwqR#w=C8ufF7~3NG8drPOTQAPoie7+N=j30Twf@o"
    "UBwXHLMz`P@*Lu%qY>Ty`_*SrY@zgI<6xtzNl3!sjFl#dXx^J_?WpW+pI||nka9dJtmH+CMR>HF{y5@AEzs=1gVQ"
    "HcPSgA#w<XtsV#Oaex#0~aV;_@&LOp_ovv4`&>`J0>Mks&x|61^Z!CH#jise1*{^%1H?4~$lc~$6=%UrFA}kCi+O"
    "ggsEi7-ZZYwLV=p_^`JSmo}7o!WU2%fI0&Y&HqvaD6CKPWIPijD#(iY+y-^edjG?y7sI)hp$vuPwN#e=CKlKBdU5"
    "F)wBx{3xL&wJX9ca;!nCSFpJ$6D;7AStu$akg$cIWUrMgSsnYV#VF3G_pOU2B_|1})h9wMwyU$FCn+<I"
)
