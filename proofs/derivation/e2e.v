(* AKMA-E2E in mode 3GPP: distinct derivations have distinct strings under Ks_NAF.

   SPDX-License-Identifier: Apache-2.0 *)
From Coq Require Import List NArith Lia.
From akma Require Import S.
Local Open Scope N_scope.

Definition FC : octets := [xff; xe2].
Definition P0 : octets := [x61; x6b; x6d; x61; x2d; x65; x32; x65]. (* "akma-e2e" *)

Record inputs := {
  Ka : octets;
  NAF_Id : octets;
  refresh : octets;
  usage : octets;
  wanted : N (* L, octets of e2e_key *)
}.

(* The bounds of the parameters; h: octets of the digest. *)
Record valid (h : N) (x : inputs) : Prop := {
  h_bounds : 1 <= h <= 64;
  Ka_bounds : 16 <= size (Ka x) <= 65535;
  NAF_Id_bounds : 6 <= size (NAF_Id x) <= 258;
  refresh_bounds : size (refresh x) <= 255;
  usage_bounds : size (usage x) <= 255;
  wanted_bounds : 1 <= wanted x <= 255 * h
}.

(* The block i of a key is one that has to be computed: (i - 1) x h octets do not suffice. *)
Definition is_block (h : N) (x : inputs) (i : N) : Prop := 1 <= i /\ (i - 1) * h < wanted x.

(* Mode 3GPP: T(i) = HMAC(Ks_NAF, S(i)). *)
Definition S_i (x : inputs) (i : N) : octets :=
  S_of FC [P0; Ka x; NAF_Id x; refresh x; usage x; two (wanted x); [octet i]].

Lemma FC_is_FC : is_FC FC.
Proof. unfold is_FC. cbn. lia. Qed.

Lemma P0_fits : fits P0.
Proof. unfold fits. cbn. lia. Qed.

Lemma two_fits : forall n, fits (two n).
Proof. intro. unfold fits. cbn. lia. Qed.

Lemma octet_fits : forall n, fits [octet n].
Proof. intro. unfold fits. cbn. lia. Qed.

Ltac fit :=
  repeat match goal with
  | H : valid _ _ |- _ => destruct H
  end;
  repeat first [ apply Forall_nil | apply Forall_cons
               | exact P0_fits | apply two_fits | apply octet_fits | unfold fits; lia ].

(* i is one octet: no key has more than 255 blocks. *)
Theorem block_is_one_octet : forall h x i, valid h x -> is_block h x i -> i <= 255.
Proof.
  intros h x i [] [Hi Hw]. assert (Hlt : (i - 1) * h < 255 * h) by lia.
  apply N.mul_lt_mono_pos_r in Hlt; lia.
Qed.

(* L is two octets. *)
Theorem wanted_is_two_octets : forall h x, valid h x -> wanted x <= 65535.
Proof. intros h x []. lia. Qed.

(* The inputs and the block follow from S(i). *)
Theorem S_i_injective : forall h h' x y i j,
  valid h x -> valid h' y -> is_block h x i -> is_block h' y j ->
  S_i x i = S_i y j -> x = y /\ i = j.
Proof.
  intros h h' x y i j Hx Hy Hi Hj E.
  pose proof (block_is_one_octet _ _ _ Hx Hi). pose proof (block_is_one_octet _ _ _ Hy Hj).
  pose proof (wanted_is_two_octets _ _ Hx). pose proof (wanted_is_two_octets _ _ Hy).
  apply S_injective in E as [_ E]; try exact FC_is_FC; try solve [fit].
  injection E as EKa ENAF Erefresh Eusage High Low Ei.
  apply octet_injective in Ei; try assumption.
  assert (Ewanted : wanted x = wanted y).
  { apply two_injective; try assumption. unfold two. now rewrite High, Low. }
  destruct x, y. cbn in *. now subst.
Qed.

(* Both halves of a NAF_Id follow from it: the Ua security protocol identifier has five octets. *)
Theorem NAF_Id_injective : forall fqdn fqdn' ua ua',
  size ua = 5 -> size ua' = 5 -> fqdn ++ ua = fqdn' ++ ua' -> fqdn = fqdn' /\ ua = ua'.
Proof. intros. apply halves; congruence. Qed.
