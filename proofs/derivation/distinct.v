(* The strings of the two modes, and of other derivations under the same key, are distinct.

   SPDX-License-Identifier: Apache-2.0 *)
From Coq Require Import List NArith Lia.
From akma Require Import S e2e hkdf.
Local Open Scope N_scope.

(* No string of one mode is one of the other, whatever the inputs are. *)
Theorem modes_distinct : forall h h' x y i, valid h x -> valid h' y -> S_i x i <> IKM y.
Proof.
  intros h h' x y i Hx Hy E.
  apply S_injective in E as [_ E]; try exact FC_is_FC; try solve [fit]. discriminate E.
Qed.

(* What a string of the B.2.0 form with another FC can be: none of AKMA-E2E's. *)
Theorem other_FC_distinct : forall h x i FC' P,
  valid h x -> is_FC FC' -> FC' <> FC -> Forall fits P ->
  S_of FC' P <> S_i x i /\ S_of FC' P <> IKM x.
Proof.
  intros h x i FC' P Hx HFC' Hother HP.
  split; intro E; apply S_injective in E as [E _]; try exact FC_is_FC; try solve [fit];
    try assumption; contradiction.
Qed.

(* The same under the same FC with another P0. *)
Theorem other_P0_distinct : forall h x i p P,
  valid h x -> p <> P0 -> fits p -> Forall fits P ->
  S_of FC (p :: P) <> S_i x i /\ S_of FC (p :: P) <> IKM x.
Proof.
  intros h x i p P Hx Hother Hp HP.
  split; intro E; apply S_injective in E as [_ E]; try exact FC_is_FC; try solve [fit];
    try (constructor; assumption); injection E; intros; contradiction.
Qed.
