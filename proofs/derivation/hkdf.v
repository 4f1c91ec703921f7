(* AKMA-E2E in mode HKDF: distinct derivations have distinct strings under Ks_NAF, or under PRK.

   SPDX-License-Identifier: Apache-2.0 *)
From Coq Require Import List NArith Lia.
From akma Require Import S e2e.
Local Open Scope N_scope.

(* Mode HKDF: PRK = HMAC(Ks_NAF, IKM), T(i) = HMAC(PRK, T(i-1) || info || i). *)
Definition IKM (x : inputs) : octets := S_of FC [P0; Ka x].
Definition info (x : inputs) : octets :=
  S_of FC [P0; NAF_Id x; refresh x; usage x; two (wanted x)].
Definition expand (x : inputs) (before : octets) (i : N) : octets := before ++ info x ++ [octet i].

(* T(i-1): nothing before the first block, an output of the hash before the others. *)
Definition is_before (h i : N) (before : octets) : Prop :=
  size before = if i =? 1 then 0 else h.

Theorem IKM_injective : forall h h' x y, valid h x -> valid h' y -> IKM x = IKM y -> Ka x = Ka y.
Proof.
  intros h h' x y Hx Hy E.
  apply S_injective in E as [_ E]; try exact FC_is_FC; try solve [fit].
  now injection E.
Qed.

Theorem info_injective : forall h h' x y, valid h x -> valid h' y -> info x = info y ->
  NAF_Id x = NAF_Id y /\ refresh x = refresh y /\ usage x = usage y /\ wanted x = wanted y.
Proof.
  intros h h' x y Hx Hy E.
  pose proof (wanted_is_two_octets _ _ Hx). pose proof (wanted_is_two_octets _ _ Hy).
  apply S_injective in E as [_ E]; try exact FC_is_FC; try solve [fit].
  injection E as ENAF Erefresh Eusage High Low. repeat split; try assumption.
  apply two_injective; try assumption. unfold two. now rewrite High, Low.
Qed.

(* Under one PRK, thus with one digest: block, T(i-1) and info follow from the string of expand. *)
Theorem expand_injective : forall h x y i j before before',
  valid h x -> valid h y -> is_block h x i -> is_block h y j ->
  is_before h i before -> is_before h j before' ->
  expand x before i = expand y before' j ->
  i = j /\ before = before' /\
  NAF_Id x = NAF_Id y /\ refresh x = refresh y /\ usage x = usage y /\ wanted x = wanted y.
Proof.
  intros h x y i j before before' Hx Hy Hi Hj Hbefore Hbefore' E.
  pose proof (block_is_one_octet _ _ _ Hx Hi). pose proof (block_is_one_octet _ _ _ Hy Hj).
  unfold expand in E. rewrite !app_assoc in E.
  apply halves in E as [E Ei]; [|reflexivity]. injection Ei as Ei.
  apply octet_injective in Ei; try assumption. subst j.
  unfold is_before in *. rewrite <- Hbefore in Hbefore'.
  assert (Einfo : size (info x) = size (info y)).
  { apply (f_equal size) in E. rewrite !size_app in E. lia. }
  apply halves in E as [-> E]; [|assumption].
  repeat (split; [reflexivity|]). now apply (info_injective h h).
Qed.
