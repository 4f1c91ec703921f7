(* S, the input string of TS 33.220 B.2.0, and that its parts can be read back.

   SPDX-License-Identifier: Apache-2.0 *)
From Coq Require Import List NArith Lia.
From Coq.Strings Require Export Byte.
Export ListNotations.
Local Open Scope N_scope.

Definition octets := list byte.
Definition size (p : octets) : N := N.of_nat (length p).

(* The lowest eight bits of a number, as C casts to unsigned char. *)
Definition octet (n : N) : byte :=
  match Byte.of_N (n mod 256) with Some b => b | None => x00 end.

(* Two octets, big endian: every length in S. *)
Definition two (n : N) : octets := [octet (n / 256); octet n].

(* S = FC || P0 || L0 || P1 || L1 || ... *)
Definition with_L (p : octets) : octets := p ++ two (size p).
Definition S_of (FC : octets) (P : list octets) : octets := FC ++ flat_map with_L P.

(* What B.2.0 allows: an FC of one octet or two, lengths that two octets can hold. *)
Definition is_FC (FC : octets) : Prop := 1 <= size FC <= 2.
Definition fits (p : octets) : Prop := size p <= 65535.

Lemma size_app : forall a b, size (a ++ b) = size a + size b.
Proof. intros. unfold size. rewrite app_length. lia. Qed.

Lemma to_N_octet : forall n, Byte.to_N (octet n) = n mod 256.
Proof.
  intros. unfold octet. destruct (Byte.of_N (n mod 256)) eqn:E.
  - now apply Byte.to_of_N.
  - apply Byte.of_N_None_iff in E. pose proof (N.mod_upper_bound n 256). lia.
Qed.

Lemma octet_injective : forall n m, n <= 255 -> m <= 255 -> octet n = octet m -> n = m.
Proof.
  intros n m Hn Hm E. apply (f_equal Byte.to_N) in E. rewrite !to_N_octet in E.
  rewrite !N.mod_small in E by lia. exact E.
Qed.

Lemma two_injective : forall n m, n <= 65535 -> m <= 65535 -> two n = two m -> n = m.
Proof.
  intros n m Hn Hm E. injection E as High Low.
  apply octet_injective in High; try (apply N.lt_succ_r, N.div_lt_upper_bound; lia).
  apply (f_equal Byte.to_N) in Low. rewrite !to_N_octet in Low.
  rewrite (N.div_mod n 256), (N.div_mod m 256) by lia. now rewrite High, Low.
Qed.

(* Two strings that end in equally many octets are equal in both halves. *)
Lemma halves : forall (a b c d : octets),
  a ++ b = c ++ d -> size b = size d -> a = c /\ b = d.
Proof.
  intros a b c d E Hsize.
  assert (Ha : length a = length c).
  { apply (f_equal size) in E. rewrite !size_app in E. unfold size in *. lia. }
  clear Hsize. revert c E Ha. induction a as [|x a IH]; intros [|y c] E Ha; try discriminate Ha.
  - now split.
  - injection E as -> E. injection Ha as Ha. destruct (IH _ E Ha) as [-> ->]. now split.
Qed.

Lemma with_L_at_the_end : forall a b p q,
  fits p -> fits q -> a ++ with_L p = b ++ with_L q -> a = b /\ p = q.
Proof.
  intros a b p q Hp Hq E. unfold with_L in E. rewrite !app_assoc in E.
  apply halves in E; [|reflexivity]. destruct E as [E El].
  apply two_injective in El; try assumption. now apply halves.
Qed.

Lemma S_of_last : forall FC P p, S_of FC (P ++ [p]) = S_of FC P ++ with_L p.
Proof.
  intros. unfold S_of. rewrite flat_map_app. simpl. now rewrite app_nil_r, app_assoc.
Qed.

Lemma S_of_longer : forall FC P p, size FC + 2 <= size (S_of FC (P ++ [p])).
Proof.
  intros. rewrite S_of_last. unfold S_of, with_L. rewrite !size_app.
  change (size (two (size p))) with 2. lia.
Qed.

(* S is injective: in FC, in the parameters, and in their number. *)
Theorem S_injective : forall P Q FC FC',
  is_FC FC -> is_FC FC' -> Forall fits P -> Forall fits Q ->
  S_of FC P = S_of FC' Q -> FC = FC' /\ P = Q.
Proof.
  unfold is_FC. induction P as [|p P IH] using rev_ind;
    intros Q FC FC' HFC HFC' HP HQ E; destruct Q as [|q Q _] using rev_ind.
  - unfold S_of in E. simpl in E. rewrite !app_nil_r in E. now split.
  - pose proof (S_of_longer FC' Q q) as H. rewrite <- E in H.
    unfold S_of in H. simpl in H. rewrite app_nil_r in H. lia.
  - pose proof (S_of_longer FC P p) as H. rewrite E in H.
    unfold S_of in H. simpl in H. rewrite app_nil_r in H. lia.
  - apply Forall_app in HP as [HP Hp], HQ as [HQ Hq]. inversion Hp. inversion Hq.
    rewrite !S_of_last in E. apply with_L_at_the_end in E as [E ->]; try assumption.
    destruct (IH Q FC FC') as [-> ->]; try assumption. now split.
Qed.

(* The bound is needed: one octet more, and S means two things. *)
Lemma empty_ones : forall n, flat_map with_L (repeat [] n) = repeat x00 (2 * n).
Proof.
  induction n as [|n IH]; [reflexivity|].
  cbn [repeat flat_map]. rewrite IH. replace (2 * Datatypes.S n)%nat with (2 + 2 * n)%nat by lia.
  reflexivity.
Qed.

Theorem S_ambiguous_beyond_65535 : exists p Q,
  size p = 65536 /\ [p] <> Q /\ Forall fits Q /\ forall FC, S_of FC [p] = S_of FC Q.
Proof.
  assert (exists n, N.of_nat n = 32768) as [n Hn] by (exists (N.to_nat 32768); apply N2Nat.id).
  assert (Hsize : size (repeat x00 (2 * n)) = 65536) by (unfold size; rewrite repeat_length; lia).
  exists (repeat x00 (2 * n)), (repeat [] (n + 1)). split; [exact Hsize|]. split; [|split].
  - intro E. apply (f_equal (fun P => size (hd [] P))) in E. cbn [hd] in E. rewrite Hsize in E.
    rewrite PeanoNat.Nat.add_1_r in E. discriminate E.
  - apply Forall_forall. intros q Hq. apply repeat_spec in Hq. subst q. discriminate.
  - intro FC. unfold S_of. f_equal. rewrite empty_ones. cbn [flat_map]. rewrite app_nil_r.
    unfold with_L. rewrite Hsize. change (two 65536) with (repeat x00 2).
    rewrite <- repeat_app. f_equal. lia.
Qed.
